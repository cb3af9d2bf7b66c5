"""Operations that fail: told in words, half made nowhere, and taken for no crash."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from twisted.internet.defer import Deferred

from hyperhive.errors import ContainerError, DoorError, OperationFailed
from hyperhive.services.writing import AGAIN
from hyperhive.store import agents, operations
from hyperhive.wire import events
from hyperhive.wire.states import OperationKind
from tests.bench import Bench
from tests.services.operating import (
    DESTROY,
    FAILED,
    REBUILD,
    RESTART,
    RUNNING,
    SPAWN,
    START,
    STOP,
    SUCCEEDED,
    agent,
    manager_heard,
    request,
    state,
)


def broken(*_: object) -> None:
    raise ZeroDivisionError


def no_room(*_: object) -> None:
    raise sqlite3.OperationalError("database or disk is full")


def test_a_failure_is_told_in_words(bench: Bench) -> None:
    bench.containers.faults["stop bob"] = ContainerError("it does not die")
    id_ = request(bench, "bob", STOP)
    with pytest.raises(OperationFailed, match=rf"stop of 'bob' failed: it does not die \(operation {id_}\)"):
        bench.get(bench.lifecycle.ended(id_))
    assert manager_heard(bench) == []


def test_a_broken_operation_ends_and_the_next_one_runs(bench: Bench, logged: list[object]) -> None:
    bench.containers.faults["stop bob"] = ZeroDivisionError("broken")
    assert bench.operate("bob", STOP).error == "an internal error; the daemon's log has it"
    logged.clear()
    del bench.containers.faults["stop bob"]
    assert bench.operate("bob", STOP).state is SUCCEEDED


def test_a_failure_in_bytes_that_are_no_text_is_told_all_the_same(bench: Bench) -> None:
    bench.containers.faults["stop bob"] = ContainerError("/home/b\udcffb is in the way")
    operation = bench.operate("bob", STOP)
    assert (operation.state, operation.error) == (FAILED, "/home/b?b is in the way")


def test_who_waits_for_an_operation_whose_end_can_not_be_written_hears_that(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, logged: list[object]
) -> None:
    held = bench.containers.hold("stop")
    id_ = request(bench, "bob", STOP)
    waiting = Deferred.fromCoroutine(bench.lifecycle.ended(id_))
    bench.settle()
    monkeypatch.setattr(operations, "end", broken)
    held.callback(None)
    with pytest.raises(OperationFailed, match="stop of 'bob' ended, and how could not be written down"):
        bench.get(waiting)
    logged.clear()


def test_the_end_of_an_operation_is_written_when_it_can_be(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, logged: list[object]
) -> None:
    held = bench.containers.hold("stop")
    id_ = request(bench, "bob", STOP)
    with monkeypatch.context() as full:
        full.setattr(operations, "end", no_room)
        held.callback(None)
        bench.settle()
        assert state(bench, id_) is RUNNING
    logged.clear()
    bench.pass_time(AGAIN)
    assert state(bench, id_) is SUCCEEDED
    assert manager_heard(bench) == [events.Killed("bob")]


@pytest.mark.parametrize("fault", ["container", "door"])
def test_a_failing_spawn_leaves_nothing_half_made(bench: Bench, fault: str) -> None:
    if fault == "container":
        bench.containers.faults["start"] = ContainerError("no room")
    else:
        bench.doors.fault = DoorError("no room")
    assert bench.operate("carol", SPAWN).state is FAILED
    assert "carol" not in bench.doors.opened
    assert not bench.layout.home("carol").exists()
    assert ("remove", "carol") in bench.containers.calls
    assert "carol" not in bench.do(agents.names)
    assert manager_heard(bench) == [events.Spawned(agent="carol", ok=False, note="no room")]
    bench.containers.faults.clear()
    bench.doors.fault = None
    assert bench.operate("carol", SPAWN).state is SUCCEEDED


def test_a_failing_spawn_keeps_what_was_kept_of_an_earlier_agent(bench: Bench) -> None:
    bench.operate("carol", SPAWN)
    (bench.layout.notes("carol") / "memory").write_text("kept")
    bench.operate("carol", DESTROY)
    bench.containers.faults["start"] = ContainerError("no room")
    bench.operate("carol", SPAWN)
    assert (bench.layout.notes("carol") / "memory").read_text() == "kept"


def test_a_failing_start_is_shown_as_failed_and_is_no_crash(bench: Bench) -> None:
    bench.crash_watch.startService()
    bench.operate("bob", STOP)
    bench.containers.faults["start"] = ContainerError("no room")
    assert bench.operate("bob", START).state is FAILED
    bench.pass_time(20)
    assert (agent(bench, "bob").failed, agent(bench, "bob").wanted) == (True, agents.STOPPED)
    assert manager_heard(bench) == [events.Killed("bob")]
    bench.get(bench.crash_watch.stopService())


def test_a_restart_that_can_not_start_again_is_no_crash(bench: Bench) -> None:
    bench.crash_watch.startService()
    bench.containers.faults["start"] = ContainerError("no room")
    assert bench.operate("bob", RESTART).state is FAILED
    bench.pass_time(20)
    assert agent(bench, "bob").failed
    assert manager_heard(bench) == []
    bench.get(bench.crash_watch.stopService())


@pytest.mark.parametrize("kind", [RESTART, REBUILD])
def test_a_restart_that_can_not_stop_leaves_the_agent_running(bench: Bench, kind: OperationKind) -> None:
    bench.crash_watch.startService()
    bench.settle()
    bench.containers.faults["stop"] = ContainerError("it does not die")
    assert bench.operate("bob", kind).state is FAILED
    bench.pass_time(20)
    assert [event for event in manager_heard(bench) if isinstance(event, events.ContainerCrash)] == []
    assert agent(bench, "bob").generation == bench.containers.runs["bob"].generation
    assert agent(bench, "bob").failed is False
    bench.get(bench.crash_watch.stopService())


def test_a_destroy_that_stops_and_then_fails_is_no_crash(bench: Bench) -> None:
    bench.crash_watch.startService()
    bench.settle()
    bench.containers.faults["remove"] = ContainerError("it stays")
    assert bench.operate("bob", DESTROY).state is FAILED
    bench.pass_time(20)
    assert manager_heard(bench) == []
    assert agent(bench, "bob").present
    del bench.containers.faults["remove"]
    assert bench.operate("bob", DESTROY).state is SUCCEEDED
    bench.get(bench.crash_watch.stopService())


@pytest.mark.parametrize("kind", [START, RESTART, STOP])
def test_who_crashed_before_an_operation_began_is_reported_first(bench: Bench, kind: OperationKind) -> None:
    id_ = bench.send("alice", "bob", "one")
    bench.taken("bob")
    bench.containers.crash("bob", "killed by SIGKILL")
    bench.operate("bob", kind)
    assert manager_heard(bench) == [events.ContainerCrash(agent="bob", note="killed by SIGKILL")]
    assert bench.states()[0] == (id_, 0, 1, 1)


def test_a_home_that_can_not_be_made_fails_the_spawn(bench: Bench, tmp_path: Path) -> None:
    bench.layout.home("carol").parent.mkdir(parents=True, exist_ok=True)
    bench.layout.home("carol").write_text("in the way")
    operation = bench.operate("carol", SPAWN)
    assert operation.state is FAILED
    assert "the home of 'carol' can't be made" in str(operation.error)
