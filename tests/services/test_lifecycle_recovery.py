"""What an earlier daemon left: operations that it had not ended, and agents that it stopped."""

from __future__ import annotations

from functools import partial

import pytest
from twisted.internet.defer import Deferred

from hyperhive.boundaries import Running
from hyperhive.errors import ContainerError, OperationFailed
from hyperhive.store import agents, operations
from hyperhive.wire.states import OperationKind, OperationState
from tests.bench import Bench
from tests.fakes import NOW
from tests.services.operating import (
    DESTROY,
    FAILED,
    RESTART,
    SPAWN,
    START,
    STOP,
    SUCCEEDED,
    agent,
    manager_heard,
    state,
)


def test_what_runs_of_nobody_in_the_hive_is_ended_when_a_daemon_starts(bench: Bench) -> None:
    bench.operate("carol", SPAWN)
    bench.containers.runs["ghost"] = Running(generation=0, since=NOW, pid=3)
    bench.get(bench.lifecycle.recover())
    bench.settle()
    assert "ghost" not in bench.containers.runs
    assert "carol" in bench.containers.runs
    assert ("remove", "ghost") in bench.containers.calls


def leave(bench: Bench, name: str, kind: OperationKind, *, running: bool) -> int:
    """An operation's row as a daemon that died would leave it."""
    id_ = bench.do(lambda connection: operations.queue(connection, name, kind, "operator", NOW))[0].id
    if running:
        bench.do(partial(operations.begin, id_=id_, now=NOW))
    return id_


def recover(bench: Bench) -> None:
    bench.get(bench.lifecycle.recover())
    bench.settle()


def test_what_was_queued_is_carried_out(bench: Bench) -> None:
    ids = [leave(bench, "bob", STOP, running=False), leave(bench, "bob", START, running=False)]
    recover(bench)
    assert [state(bench, id_) for id_ in ids] == [SUCCEEDED] * 2
    assert bench.containers.runs["bob"].generation == 2


def test_a_start_that_had_had_its_effect_is_not_done_twice(bench: Bench) -> None:
    id_ = leave(bench, "bob", START, running=True)
    recover(bench)
    assert state(bench, id_) is SUCCEEDED
    assert not bench.containers.done("start")
    assert bench.containers.runs["bob"].generation == agent(bench, "bob").generation


@pytest.mark.parametrize("kind", [SPAWN, START])
@pytest.mark.parametrize("counted", [True, False])
def test_a_start_that_had_no_effect_yet_is_done_and_counted_once(
    bench: Bench,
    kind: OperationKind,
    counted: bool,  # noqa: FBT001
) -> None:
    if kind is START:
        bench.add_agents("carol")
        del bench.containers.runs["carol"]
    before = bench.do(partial(agents.generation, name="carol"))
    id_ = leave(bench, "carol", kind, running=True)
    if counted:
        count(bench, id_, "carol")
    recover(bench)
    assert state(bench, id_) is SUCCEEDED
    assert bench.containers.done("start") == [("start", "carol", before + 1)]


def test_a_restart_that_had_had_its_effect_is_not_done_twice(bench: Bench) -> None:
    id_ = leave(bench, "bob", RESTART, running=True)
    count(bench, id_, "bob")
    bench.containers.runs["bob"] = running = Running(generation=2, since=1, pid=2)
    recover(bench)
    assert state(bench, id_) is SUCCEEDED
    assert not bench.containers.done("stop")
    assert bench.containers.runs["bob"] is running


def test_a_restart_that_had_stopped_and_not_started_is_finished(bench: Bench) -> None:
    id_ = leave(bench, "bob", RESTART, running=True)
    count(bench, id_, "bob")
    del bench.containers.runs["bob"]
    recover(bench)
    assert state(bench, id_) is SUCCEEDED
    assert bench.containers.runs["bob"].generation == 2


def test_a_restart_that_had_not_had_its_effect_is_done(bench: Bench) -> None:
    id_ = leave(bench, "bob", RESTART, running=True)
    recover(bench)
    assert state(bench, id_) is SUCCEEDED
    assert bench.containers.done("stop", "start") == [("stop", "bob", "graceful"), ("start", "bob", 2)]


def test_who_was_told_to_stop_with_the_daemon_and_then_for_good_stays_stopped(bench: Bench) -> None:
    bench.get(bench.lifecycle.stop_all())
    leave(bench, "bob", STOP, running=False)
    recover(bench)
    assert "bob" not in bench.containers.runs


@pytest.mark.parametrize("kind", [STOP, DESTROY])
def test_an_end_is_done_again(bench: Bench, kind: OperationKind) -> None:
    id_ = leave(bench, "bob", kind, running=True)
    recover(bench)
    assert state(bench, id_) is SUCCEEDED
    assert "bob" not in bench.containers.runs


def count(bench: Bench, id_: int, name: str) -> None:
    """The daemon that began the operation had counted its start."""
    start = bench.do(partial(agents.begin_start, name=name))
    bench.do(partial(operations.set_start, id_=id_, start=start))


def test_what_can_not_be_looked_at_came_to_an_unknown_end(bench: Bench) -> None:
    bench.containers.faults["running"] = ContainerError("the bus is away")
    ids = [leave(bench, "bob", STOP, running=True), leave(bench, "alice", STOP, running=False)]
    recover(bench)
    assert [state(bench, id_) for id_ in ids] == [OperationState.UNKNOWN, FAILED]
    with pytest.raises(OperationFailed, match="came to an unknown end: the bus is away"):
        bench.get(bench.lifecycle.ended(ids[0]))


def test_who_was_stopped_with_the_daemon_is_started_with_it(bench: Bench) -> None:
    bench.get(bench.lifecycle.stop_all())
    assert not bench.containers.runs
    recover(bench)
    assert set(bench.containers.runs) == {"alice", "bob", "manager"}
    assert manager_heard(bench) == []


def test_who_was_stopped_on_purpose_stays_so(bench: Bench) -> None:
    bench.operate("bob", STOP)
    bench.get(bench.lifecycle.stop_all())
    recover(bench)
    assert set(bench.containers.runs) == {"alice", "manager"}


def test_who_was_to_be_started_and_is_being_destroyed_stops_no_daemon(bench: Bench) -> None:
    bench.get(bench.lifecycle.stop_all())
    leave(bench, "bob", DESTROY, running=False)
    recover(bench)
    assert set(bench.containers.runs) == {"alice", "manager"}
    assert "bob" not in bench.get(bench.roster.names())


def test_an_operation_asked_for_during_recovery_is_carried_out_once(bench: Bench) -> None:
    asked = Deferred.fromCoroutine(bench.lifecycle.request("bob", RESTART, "manager"))
    recovered = Deferred.fromCoroutine(bench.lifecycle.recover())
    bench.settle()
    assert asked.called
    assert recovered.called
    assert len(bench.containers.done("start")) == 1
