"""Agents that crash are started again as the restart policy says, once each time, and not for ever."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest

from hyperhive.errors import ContainerError, DatabaseTrouble
from hyperhive.limits import NO, ON_CRASH, RestartPolicy
from hyperhive.services.restarts import AGAIN
from hyperhive.store import agents, restarts
from hyperhive.wire import events
from hyperhive.wire.names import MANAGER, SYSTEM
from hyperhive.wire.states import OperationKind, OperationState
from tests.bench import Bench
from tests.fakes import NOW
from tests.services.restarting import WHY, begun, crash, end, starts, status, told


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


def test_several_agents_are_each_started_when_their_own_pause_is_over(kept: Bench) -> None:
    crash(kept)
    kept.pass_time(0.5)
    crash(kept, "alice")
    kept.pass_time(0.5)
    assert (status(kept).running, status(kept, "alice").running) == (True, False)
    kept.pass_time(0.5)
    assert status(kept, "alice").running


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
