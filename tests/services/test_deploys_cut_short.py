"""Deploys that a daemon's end, a reboot or a full disk cuts short: the next one goes on where it was."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator

import pytest
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock

from hyperhive.errors import OperationFailed, Refused
from hyperhive.services.writing import AGAIN
from hyperhive.store import operations
from hyperhive.wire import events
from hyperhive.wire.names import MANAGER
from hyperhive.wire.states import OperationState
from tests.bench import Bench
from tests.services.deploying import approve, ask, environment, row, state


@pytest.fixture
def after(bench: Bench) -> Iterator[Callable[[], Bench]]:
    """Another daemon on what is on disk, after the first has ended or died."""
    made: list[Bench] = []

    def start(boot: str = "the same boot") -> Bench:
        clock = Clock()
        clock.rightNow = bench.clock.rightNow
        next_one = Bench(bench.path, clock=clock, containers=bench.containers, repositories=bench.repositories)
        made.append(next_one)
        next_one.get(next_one.lifecycle.prepare(boot, next_one.containers.kind))
        for service in (next_one.broker, next_one.leases, next_one.lifecycle, next_one.approvals):
            service.startService()
        next_one.get(next_one.lifecycle.recover())
        next_one.settle()
        return next_one

    yield start
    for one in made:
        one.leases.stopService()
        one.close()


def test_a_daemon_that_ends_waits_for_no_agents_health_and_the_next_one_goes_on(
    bench: Bench, carol: str, after: Callable[[], Bench]
) -> None:
    operation = approve(bench, ask(bench, carol))
    stopped = Deferred.fromCoroutine(bench.lifecycle.stopService())
    bench.pass_time(0.5)
    assert stopped.called
    assert state(bench, operation) is OperationState.RUNNING
    late = after()
    assert (late.containers.runs[carol].generation, state(late, operation)) == (2, OperationState.RUNNING)
    late.pulse.voice(carol)()
    late.settle()
    assert state(late, operation) is OperationState.SUCCEEDED
    assert late.containers.runs[carol].generation == 2


def test_a_deploy_that_a_reboot_cut_short_starts_the_agent_and_looks_whether_it_is_well(
    bench: Bench, carol: str, after: Callable[[str], Bench]
) -> None:
    bench.get(bench.lifecycle.prepare("one boot", bench.containers.kind))
    operation = approve(bench, ask(bench, carol))
    bench.containers.runs.clear()
    late = after("another boot")
    assert state(late, operation) is OperationState.RUNNING
    assert environment(late) == {"SPEED": "fast"}
    late.pass_time(61)
    assert state(late, operation) is OperationState.FAILED
    assert environment(late) == {}
    assert carol in late.containers.runs


def test_the_next_daemon_knows_to_whom_agents_may_write_before_they_can(
    bench: Bench, carol: str, after: Callable[[], Bench]
) -> None:
    approve(bench, ask(bench, carol, "[mail]\nrecipients = ['bob']\n"))
    bench.pulse.voice(carol)()
    bench.settle()
    late = after()
    late.get(late.configurations.recall())
    with pytest.raises(Refused, match="it may write to bob alone"):
        late.send(carol, "alice", "psst")


def test_a_deploy_that_can_not_be_noted_as_undone_is_undone_once_it_can(
    bench: Bench, carol: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = bench.repositories.mains[carol]
    operation = approve(bench, ask(bench, carol))
    full, undo = [True], operations.undo

    def undone(connection: sqlite3.Connection, id_: int, why: str) -> None:
        if full:
            message = "database or disk is full"
            raise sqlite3.OperationalError(message)
        undo(connection, id_, why)

    monkeypatch.setattr(operations, "undo", undone)
    bench.pass_time(61)
    bench.pass_time(61)
    assert state(bench, operation) is OperationState.RUNNING
    full.clear()
    bench.pass_time(AGAIN)
    assert state(bench, operation) is OperationState.FAILED
    assert bench.containers.plans[carol].files == bench.layout.deployed(carol) / first
    assert bench.repositories.tags_of(carol)[-1] == "failed/1"


def test_an_agent_that_was_seen_to_be_well_is_started_again_after_a_reboot(
    bench: Bench, carol: str, after: Callable[[str], Bench]
) -> None:
    bench.get(bench.lifecycle.prepare("one boot", bench.containers.kind))
    operation = approve(bench, ask(bench, carol))
    # The daemon died after this, and before it said so.
    bench.repositories.tags[carol, "deployed/1"] = str(row(bench, 1).sha), "operation 2"
    bench.containers.runs.clear()
    late = after("another boot")
    assert state(late, operation) is OperationState.SUCCEEDED
    assert late.containers.runs[carol].generation == 2
    late.crash_watch.startService()
    late.settle()
    assert not [event for event in late.events_of(MANAGER) if isinstance(event, events.ContainerCrash)]
    late.get(late.crash_watch.stopService())


def test_who_waits_for_a_deploy_when_the_daemon_ends_is_told_that_it_goes_on(bench: Bench, carol: str) -> None:
    operation = approve(bench, ask(bench, carol))
    waiting = Deferred.fromCoroutine(bench.lifecycle.ended(operation))
    Deferred.fromCoroutine(bench.lifecycle.stopService())
    bench.pass_time(0.5)
    with pytest.raises(OperationFailed, match="deploy of 'carol' goes on with the next one"):
        bench.get(waiting)


def test_a_start_that_fills_the_disk_is_ended_before_there_is_room_to_say_so(
    bench: Bench, carol: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def undone(*_: object, **__: object) -> None:
        message = "database or disk is full"
        raise sqlite3.OperationalError(message)

    operation = approve(bench, ask(bench, carol))
    with monkeypatch.context() as full:
        full.setattr(operations, "undo", undone)
        bench.pass_time(61)
        assert carol not in bench.containers.runs
        assert state(bench, operation) is OperationState.RUNNING
        ended = Deferred.fromCoroutine(bench.lifecycle.stopService())
        bench.pass_time(AGAIN)
    assert ended.called
