"""Operations: one at a time an agent, several agents at once, whoever joins, waits or goes away."""

from __future__ import annotations

import pytest
from twisted.internet.defer import Deferred

from hyperhive.errors import Refused
from tests.bench import Bench
from tests.services.operating import QUEUED, RESTART, RUNNING, SPAWN, START, STOP, SUCCEEDED, request, state


def test_operations_on_one_agent_queue_behind_each_other(bench: Bench) -> None:
    held = bench.containers.hold("stop")
    first, second, third = (request(bench, "bob", kind) for kind in (STOP, START, RESTART))
    assert [state(bench, id_) for id_ in (first, second, third)] == [RUNNING, QUEUED, QUEUED]
    held.callback(None)
    del bench.containers.held["stop"]
    bench.settle()
    assert [state(bench, id_) for id_ in (first, second, third)] == [SUCCEEDED] * 3
    assert [call[0] for call in bench.containers.done("stop", "start")] == ["stop", "start", "stop", "start"]


def test_operations_on_several_agents_run_at_once(bench: Bench) -> None:
    held = bench.containers.hold("stop")
    ids = [request(bench, name, STOP) for name in ("alice", "bob")]
    assert [state(bench, id_) for id_ in ids] == [RUNNING, RUNNING]
    held.callback(None)
    bench.settle()
    assert [state(bench, id_) for id_ in ids] == [SUCCEEDED] * 2


def test_who_says_the_same_joins(bench: Bench) -> None:
    held = bench.containers.hold("stop")
    first = request(bench, "bob", STOP)
    assert request(bench, "bob", STOP) == first
    assert request(bench, "bob", STOP, flag=True) != first  # at once is not the same as gracefully
    start = request(bench, "bob", START)
    assert request(bench, "bob", START) == start
    assert request(bench, "bob", STOP) > start
    held.callback(None)
    bench.settle()


def test_who_joins_a_spawn_is_not_refused(bench: Bench) -> None:
    held = bench.containers.hold("start")
    first = request(bench, "carol", SPAWN)
    assert request(bench, "carol", SPAWN) == first
    held.callback(None)
    bench.settle()
    with pytest.raises(Refused):
        request(bench, "carol", SPAWN)


def test_waiting_for_an_operation_ends_with_it(bench: Bench) -> None:
    held = bench.containers.hold("stop")
    id_ = request(bench, "bob", STOP)
    waiting = [Deferred.fromCoroutine(bench.lifecycle.ended(id_)) for _ in range(2)]
    bench.settle()
    waiting[0].cancel()
    waiting[0].addErrback(lambda _: None)
    assert not waiting[1].called
    held.callback(None)
    bench.settle()
    assert waiting[1].called
    bench.get(bench.lifecycle.ended(id_))  # and for one that has ended, at once


def test_stopping_the_service_waits_for_what_runs_and_begins_no_more(bench: Bench) -> None:
    held = bench.containers.hold("stop")
    first, second = request(bench, "bob", STOP), request(bench, "bob", START)
    stopped = Deferred.fromCoroutine(bench.lifecycle.stopService())
    bench.settle()
    assert not stopped.called
    held.callback(None)
    bench.settle()
    assert stopped.called
    assert (state(bench, first), state(bench, second)) == (SUCCEEDED, QUEUED)
