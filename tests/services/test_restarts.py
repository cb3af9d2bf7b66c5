"""Agents that crash are started again as the restart policy says, once each time, and not for ever."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from twisted.internet.task import Clock
from twisted.logger import ILogObserver, LogEvent, formatEvent, globalLogPublisher
from zope.interface import provider

from hyperhive.errors import ContainerError, DatabaseTrouble
from hyperhive.limits import NO, ON_CRASH, RestartPolicy
from hyperhive.services.restarts import AGAIN
from hyperhive.store import agents, restarts
from hyperhive.wire import events
from hyperhive.wire.names import MANAGER, SYSTEM
from hyperhive.wire.records import AgentStatus, Operation
from hyperhive.wire.states import OperationKind, OperationState
from tests.fakes import NOW, Bench

POLICY = RestartPolicy(policy=ON_CRASH, attempts=3)
WHY = "exited with status 3"
GIVEN_UP = f"{WHY}; given up after 3 restarts in 10 minutes"


@pytest.fixture
def kept(tmp_path: Path) -> Iterator[Bench]:
    """A hive whose agents are started again, three times in ten minutes."""
    made = begun(Bench(tmp_path, policy=POLICY))
    yield made
    end(made)


@pytest.fixture
def said() -> Iterator[list[tuple[str, str]]]:
    """Level and text of what the log says."""
    lines: list[tuple[str, str]] = []

    @provider(ILogObserver)
    def observe(event: LogEvent) -> None:
        lines.append((event["log_level"].name, formatEvent(event)))

    globalLogPublisher.addObserver(observe)
    yield lines
    globalLogPublisher.removeObserver(observe)


def begun(bench: Bench) -> Bench:
    """With alice, bob and the manager, who run, and all services."""
    bench.add_agents("alice", "bob", MANAGER)
    start(bench)
    return bench


def start(bench: Bench) -> None:
    """The services in the hive's order."""
    for service in (bench.broker, bench.leases, bench.approvals, bench.lifecycle):
        service.startService()
    bench.get(bench.lifecycle.recover())
    bench.crash_watch.startService()
    bench.restarts.startService()
    bench.settle()


def end(bench: Bench) -> None:
    bench.get(bench.crash_watch.stopService())
    bench.get(bench.restarts.stopService())
    bench.leases.stopService()
    bench.close()


def next_daemon(bench: Bench, seconds: float = 0, policy: RestartPolicy = POLICY) -> Bench:
    """Another daemon on what is on disk, so much later. For the one before no time passes any more: it is dead."""
    clock = Clock()
    clock.rightNow = bench.clock.rightNow + seconds
    after = Bench(bench.path, clock=clock, containers=bench.containers, repositories=bench.repositories, policy=policy)
    after.get(after.lifecycle.prepare("the same boot", after.containers.kind))
    start(after)
    return after


def crash(bench: Bench, name: str = "bob", why: str = WHY) -> None:
    bench.containers.crash(name, why)
    bench.containers.hint()
    bench.settle()


def status(bench: Bench, name: str = "bob") -> AgentStatus:
    (row,) = [row for row in bench.get(bench.roster.statuses()) if row.name == name]
    return row


def starts(bench: Bench, name: str = "bob") -> list[Operation]:
    """The starts of that agent that were ever asked for, the first first."""
    rows = bench.get(bench.lifecycle.listed(ended=True))
    return [row for row in reversed(rows) if (row.agent, row.kind) == (name, OperationKind.START)]


def told(bench: Bench) -> list[Any]:
    return bench.events_of(MANAGER)


def test_an_agent_that_crashed_is_started_again_when_the_pause_is_over(kept: Bench) -> None:
    crash(kept)
    kept.pass_time(0.99)
    assert starts(kept) == []
    kept.pass_time(0.01)
    (operation,) = starts(kept)
    assert (operation.requested_by, operation.state) == (SYSTEM, OperationState.SUCCEEDED)
    assert kept.containers.runs["bob"].generation == 2


def test_no_restart_is_spent_while_nothing_can_be_started(kept: Bench) -> None:
    kept.containers.blind = "the system bus is gone"
    crash(kept)
    kept.pass_time(60)
    assert "bob" not in kept.containers.runs
    kept.containers.blind = None
    kept.pass_time(AGAIN)
    assert kept.containers.runs["bob"].generation == 2


def test_the_manager_reads_when_the_agent_will_be_started_again(kept: Bench) -> None:
    crash(kept)
    assert told(kept) == [events.ContainerCrash(agent="bob", note=WHY, restart_at=NOW + 1)]


def test_an_agent_that_waits_is_shown_as_failed_with_the_time_of_its_restart(kept: Bench) -> None:
    crash(kept)
    waiting = status(kept)
    assert (waiting.running, waiting.failed, waiting.failure, waiting.restart_at) == (False, True, WHY, NOW + 1)
    assert kept.do(partial(agents.one, name="bob")).wanted == agents.RUNNING
    kept.pass_time(1)
    again = status(kept)
    assert (again.running, again.failed, again.failure, again.restart_at) == (True, False, None, None)


def test_restarts_by_policy_are_counted(kept: Bench) -> None:
    for pause in (1, 2):
        crash(kept)
        kept.pass_time(pause)
    assert status(kept).restarts == 2


def test_the_pause_doubles_up_to_the_longest(tmp_path: Path) -> None:
    bench = begun(Bench(tmp_path, policy=RestartPolicy(policy=ON_CRASH, pause=2, longest_pause=5)))
    for pause in (2, 4, 5, 5):
        crash(bench)
        assert told(bench)[-1].restart_at == int(bench.clock.seconds()) + pause
        bench.pass_time(pause)
        assert status(bench).running
    end(bench)


def test_an_agent_that_crashes_again_and_again_is_given_up(kept: Bench, said: list[tuple[str, str]]) -> None:
    for pause in (1, 2, 4, 600):
        crash(kept)
        kept.pass_time(pause)
    assert told(kept) == [
        events.ContainerCrash(agent="bob", note=WHY, restart_at=NOW + 1),
        events.ContainerCrash(agent="bob", note=WHY, restart_at=NOW + 3),
        events.ContainerCrash(agent="bob", note=WHY, restart_at=NOW + 7),
        events.ContainerCrash(agent="bob", note=WHY),
        events.RestartGivenUp(agent="bob", note=GIVEN_UP),
    ]
    down = status(kept)
    assert (down.failed, down.failure, down.restart_at, down.restarts) == (True, GIVEN_UP, None, 3)
    assert len(starts(kept)) == 3
    assert ("warn", f"bob is not started again: {GIVEN_UP}") in said


def test_the_manager_that_is_given_up_finds_so_in_its_inbox_and_the_log_has_it_as_an_error(
    kept: Bench, said: list[tuple[str, str]]
) -> None:
    followed = kept.broker.feed.seq
    for pause in (1, 2, 4, 8):
        crash(kept, MANAGER)
        kept.pass_time(pause)
    assert told(kept)[-1] == events.RestartGivenUp(agent=MANAGER, note=GIVEN_UP)
    assert ("error", f"{MANAGER} is not started again: {GIVEN_UP}") in said
    assert [entry.key for entry in kept.broker.feed.after(followed) if entry.key == MANAGER]


def test_crashes_that_are_far_apart_are_not_added_up(kept: Bench) -> None:
    for _ in range(10):
        crash(kept)
        assert told(kept)[-1].restart_at is not None
        kept.pass_time(4)
        assert status(kept).running
        kept.pass_time(200)


def test_by_default_only_the_manager_is_started_again(tmp_path: Path) -> None:
    bench = begun(Bench(tmp_path))
    crash(bench)
    crash(bench, MANAGER)
    bench.pass_time(100)
    assert (status(bench).running, status(bench, MANAGER).running) == (False, True)
    assert told(bench)[0] == events.ContainerCrash(agent="bob", note=WHY)
    end(bench)


@pytest.mark.parametrize(
    ("policy", "again"),
    [
        (RestartPolicy(policy=ON_CRASH, agents={"bob": NO}), {"alice", MANAGER}),
        (RestartPolicy(agents={"bob": ON_CRASH}), {"bob", MANAGER}),
        (RestartPolicy(manager=NO), set()),
        (RestartPolicy(agents={MANAGER: NO}), set()),
    ],
)
def test_what_is_said_of_an_agent_beats_what_is_said_of_all(
    tmp_path: Path, policy: RestartPolicy, again: set[str]
) -> None:
    bench = begun(Bench(tmp_path, policy=policy))
    for name in ("alice", "bob", MANAGER):
        crash(bench, name)
    bench.pass_time(1)
    assert set(bench.containers.runs) == again
    end(bench)


def test_a_paused_agent_is_started_again_and_stays_paused(kept: Bench) -> None:
    kept.get(kept.roster.set_paused("bob", paused=True))
    crash(kept)
    kept.pass_time(1)
    assert (status(kept).running, status(kept).paused) == (True, True)


@pytest.mark.parametrize("kind", [OperationKind.STOP, OperationKind.DESTROY])
def test_who_is_stopped_or_destroyed_meanwhile_is_not_started_again(kept: Bench, kind: OperationKind) -> None:
    crash(kept)
    kept.operate("bob", kind)
    kept.pass_time(600)
    assert starts(kept) == []
    assert "bob" not in kept.containers.runs


@pytest.mark.parametrize("kind", [OperationKind.START, OperationKind.RESTART, OperationKind.REBUILD])
def test_who_is_started_by_somebody_meanwhile_is_started_once(kept: Bench, kind: OperationKind) -> None:
    crash(kept)
    kept.operate("bob", kind)
    kept.pass_time(600)
    assert kept.containers.runs["bob"].generation == 2
    assert [row.requested_by for row in starts(kept) if row.requested_by == SYSTEM] == []


def test_a_stop_that_is_still_queued_when_the_restart_is_due_has_its_way(kept: Bench) -> None:
    crash(kept)
    held = kept.containers.hold("running")
    id_ = kept.get(kept.lifecycle.request("bob", OperationKind.STOP, "operator"))
    kept.pass_time(2)
    assert kept.operation(id_).state is OperationState.QUEUED
    kept.containers.held.clear()
    held.callback(None)
    kept.pass_time(600)
    assert kept.operation(id_).state is OperationState.SUCCEEDED
    assert starts(kept) == []


def test_a_restart_that_was_held_up_by_an_operation_that_came_to_nothing_follows_it(kept: Bench) -> None:
    crash(kept)
    held = kept.containers.hold("running")
    kept.containers.faults["running"] = ContainerError("the bus is away")
    kept.get(kept.lifecycle.request("bob", OperationKind.STOP, "operator"))
    kept.pass_time(2)
    kept.containers.held.clear()
    held.callback(None)
    kept.containers.faults.clear()
    kept.pass_time(10)
    assert status(kept).running


def test_with_a_start_by_the_operator_the_count_begins_anew(kept: Bench) -> None:
    for pause in (1, 2, 4, 8):
        crash(kept)
        kept.pass_time(pause)
    kept.operate("bob", OperationKind.START)
    crash(kept)
    assert told(kept)[-1].restart_at == int(kept.clock.seconds()) + 1


def test_a_restart_that_fails_is_one_of_the_attempts_and_the_manager_is_told(kept: Bench) -> None:
    crash(kept)
    kept.containers.faults["start"] = ContainerError("'sh' can't be run")
    kept.pass_time(1)
    assert told(kept)[-1] == events.ContainerCrash(agent="bob", note="'sh' can't be run", restart_at=NOW + 3)
    assert (status(kept).failure, status(kept).restart_at) == ("'sh' can't be run", NOW + 3)
    kept.containers.faults.clear()
    kept.pass_time(2)
    assert (status(kept).running, status(kept).restarts) == (True, 1)


def test_restarts_that_fail_are_given_up_too(kept: Bench) -> None:
    crash(kept)
    kept.containers.faults["start"] = ContainerError("'sh' can't be run")
    for pause in (1, 2, 4, 600):
        kept.pass_time(pause)
    note = "'sh' can't be run; given up after 3 restarts in 10 minutes"
    assert told(kept)[-1] == events.RestartGivenUp(agent="bob", note=note)
    assert (status(kept).failed, status(kept).failure) == (True, note)
    assert len(starts(kept)) == 3
    assert kept.do(partial(agents.one, name="bob")).wanted == agents.RUNNING


def test_a_restart_of_which_nothing_can_be_seen_is_tried_again(kept: Bench) -> None:
    crash(kept)
    kept.containers.faults["running"] = ContainerError("the bus is away")
    kept.pass_time(1)
    assert [row.state for row in starts(kept)] == [OperationState.FAILED]
    kept.containers.faults.clear()
    kept.pass_time(2)
    assert status(kept).running


def test_a_start_that_the_operator_asked_for_and_that_fails_is_not_repeated(kept: Bench) -> None:
    kept.operate("bob", OperationKind.STOP)
    kept.containers.faults["start"] = ContainerError("'sh' can't be run")
    kept.operate("bob", OperationKind.START)
    kept.pass_time(600)
    assert len(starts(kept)) == 1
    assert [event for event in told(kept) if isinstance(event, events.ContainerCrash)] == []


def test_what_came_due_while_no_daemon_ran_is_done_at_the_start(kept: Bench) -> None:
    crash(kept)
    after = next_daemon(kept, seconds=3600)
    assert len(starts(after)) == 1
    assert (status(after).running, status(after).restarts) == (True, 1)
    end(after)


def test_what_is_not_yet_due_when_the_daemon_starts_is_waited_for(tmp_path: Path) -> None:
    policy = RestartPolicy(policy=ON_CRASH, pause=30)
    bench = begun(Bench(tmp_path, policy=policy))
    crash(bench)
    after = next_daemon(bench, 10, policy)
    assert status(after).restart_at == NOW + 30
    after.pass_time(19)
    assert starts(after) == []
    after.pass_time(1)
    assert len(starts(after)) == 1
    end(after)
    end(bench)


def test_what_happened_before_counts_with_the_next_daemon(kept: Bench) -> None:
    for pause in (1, 2):
        crash(kept)
        kept.pass_time(pause)
    kept.containers.crash("bob", WHY)
    after = next_daemon(kept)
    assert told(after)[-1].restart_at == NOW + 3 + 4
    after.pass_time(4)
    crash(after)
    assert told(after)[-1] == events.RestartGivenUp(agent="bob", note=GIVEN_UP)
    end(after)


@pytest.mark.parametrize("verb", ["running", "start"])
def test_a_daemon_that_ends_during_a_restart_leaves_it_to_the_next_which_makes_no_second(
    kept: Bench, verb: str
) -> None:
    crash(kept)
    kept.containers.hold(verb)
    kept.pass_time(1)
    assert [row.state for row in starts(kept)] != [OperationState.SUCCEEDED]
    kept.containers.held.clear()
    after = next_daemon(kept, seconds=5)
    after.pass_time(600)
    assert [row.state for row in starts(after)] == [OperationState.SUCCEEDED]
    assert (status(after).generation, status(after).restarts) == (2, 1)
    end(after)


def test_a_policy_that_the_next_daemon_no_longer_has_starts_nobody(kept: Bench) -> None:
    crash(kept)
    after = next_daemon(kept, 3600, RestartPolicy(manager=NO))
    after.pass_time(600)
    assert starts(after) == []
    assert (status(after).failed, status(after).restart_at) == (True, None)
    end(after)


def test_a_start_of_the_next_daemon_that_fails_is_tried_again(kept: Bench) -> None:
    kept.do(partial(agents.is_stopped, name="bob", wanted=agents.RESUME))
    del kept.containers.runs["bob"]
    kept.containers.faults["start"] = ContainerError("'sh' can't be run")
    after = next_daemon(kept)
    assert told(after) == [events.ContainerCrash(agent="bob", note="'sh' can't be run", restart_at=NOW + 1)]
    kept.containers.faults.clear()
    after.pass_time(1)
    assert status(after).running
    end(after)


def test_several_agents_are_each_started_when_their_own_pause_is_over(kept: Bench) -> None:
    crash(kept)
    kept.pass_time(0.5)
    crash(kept, "alice")
    kept.pass_time(0.5)
    assert (status(kept).running, status(kept, "alice").running) == (True, False)
    kept.pass_time(0.5)
    assert status(kept, "alice").running


def test_a_clock_that_is_set_back_puts_no_restart_off(kept: Bench) -> None:
    crash(kept)
    after = next_daemon(kept, seconds=-86400)
    assert len(starts(after)) == 1
    end(after)


def test_a_database_that_can_not_be_used_is_tried_again(kept: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    crash(kept)

    def fail(*_: object) -> None:
        raise DatabaseTrouble("the disk is full")

    monkeypatch.setattr(restarts, "owed", fail)
    kept.pass_time(1)
    assert starts(kept) == []
    monkeypatch.undo()
    kept.pass_time(5)
    assert status(kept).running


def test_a_fault_is_logged_and_it_is_tried_again(
    kept: Bench, monkeypatch: pytest.MonkeyPatch, logged: list[object]
) -> None:
    crash(kept)
    monkeypatch.setattr(restarts, "owed", lambda _: 1 / 0)
    kept.pass_time(1)
    assert len(logged) == 1
    logged.clear()
    monkeypatch.undo()
    kept.pass_time(5)
    assert status(kept).running


def test_nobody_is_started_once_the_service_has_stopped(kept: Bench) -> None:
    crash(kept)
    kept.get(kept.restarts.stopService())
    kept.pass_time(600)
    kept.restarts.look()
    assert starts(kept) == []


@pytest.mark.parametrize(
    ("attempts", "window", "words"),
    [
        (1, 3600, "after 1 restart in 1 hour"),
        (1, 90, "after 1 restart in 90 seconds"),
        (1, 7.5, "after 1 restart in 7.5 seconds"),
        (2, 60, "after 2 restarts in 1 minute"),
    ],
)
def test_how_often_and_how_long_is_said_in_words(tmp_path: Path, attempts: int, window: float, words: str) -> None:
    policy = RestartPolicy(policy=ON_CRASH, attempts=attempts, window=window)
    bench = begun(Bench(tmp_path, policy=policy))
    for pause in (1, 2)[:attempts]:
        crash(bench)
        bench.pass_time(pause)
    crash(bench)
    assert told(bench)[-1].note == f"{WHY}; given up {words}"
    end(bench)


def test_no_number_of_restarts_is_too_many_for_a_pause() -> None:
    assert RestartPolicy(attempts=10**15).pause_after(10**15) == 60.0
