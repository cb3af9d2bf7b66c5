"""Updates: agents that were built from something else are rebuilt one after the other, asked for, or only named."""

from __future__ import annotations

import pytest

from hyperhive.errors import ContainerError
from hyperhive.wire import events
from hyperhive.wire.names import MANAGER, OPERATOR
from hyperhive.wire.records import Approval
from hyperhive.wire.states import ApprovalKind, ApprovalStatus, OperationKind
from tests.bench import Bench


@pytest.fixture
def rebuilt(bench: Bench) -> Bench:
    """A hive of carol, dora and the manager, who run as they were built; something else would be built now."""
    for name in ("carol", "dora"):
        bench.operate(name, OperationKind.SPAWN)
    bench.operate(MANAGER, OperationKind.RESTART)
    bench.containers.calls.clear()
    bench.containers.made_from = "there"
    return bench


def deploy(bench: Bench, name: str, text: str) -> None:
    commit = bench.repositories.commit(name, text)
    bench.get(bench.approvals.approve(bench.get(bench.approvals.request_commit(name, commit, None, MANAGER)), OPERATOR))
    bench.pulse.voice(name)()
    bench.settle()


def started(bench: Bench) -> list[str]:
    return [name for _, name, _ in bench.containers.done("start")]


def needing(bench: Bench) -> list[str]:
    return [status.name for status in bench.get(bench.roster.statuses()) if status.needs_update]


def test_agents_are_rebuilt_one_after_the_other_the_manager_first(rebuilt: Bench) -> None:
    held = rebuilt.containers.hold("start")
    rebuilt.updates.startService()
    rebuilt.settle()
    assert started(rebuilt) == [MANAGER]
    held.callback(None)
    rebuilt.settle()
    assert started(rebuilt) == [MANAGER, "carol", "dora"]
    assert needing(rebuilt) == []
    told = [event for event in rebuilt.events_of(MANAGER) if isinstance(event, events.Rebuilt)]
    assert [(event.agent, event.ok) for event in told] == [(MANAGER, True), ("carol", True), ("dora", True)]
    rebuilt.get(rebuilt.updates.stopService())


def test_who_was_built_from_the_same_is_left_alone(rebuilt: Bench) -> None:
    rebuilt.containers.made_from = "here"
    rebuilt.updates.startService()
    rebuilt.settle()
    assert started(rebuilt) == []
    rebuilt.get(rebuilt.updates.stopService())


def test_who_is_not_to_be_updated_is_named_once_and_shown(rebuilt: Bench) -> None:
    deploy(rebuilt, "carol", "auto_update = false\n")
    rebuilt.containers.made_from = "elsewhere"
    rebuilt.updates.startService()
    rebuilt.settle()
    rebuilt.pass_time(600)
    rebuilt.pass_time(600)
    assert needing(rebuilt) == ["carol"]
    assert [event for event in rebuilt.events_of(MANAGER) if isinstance(event, events.NeedsUpdate)] == [
        events.NeedsUpdate("carol")
    ]
    assert rebuilt.operate("carol", OperationKind.REBUILD).error is None
    assert needing(rebuilt) == []
    rebuilt.get(rebuilt.updates.stopService())


def test_who_is_to_be_asked_about_is_asked_about_once_and_rebuilt_when_granted(rebuilt: Bench) -> None:
    deploy(rebuilt, "carol", "auto_update = 'ask'\n")
    rebuilt.containers.made_from = "elsewhere"
    rebuilt.updates.startService()
    rebuilt.settle()
    rebuilt.pass_time(600)
    rows = updates(rebuilt)
    assert [(row.agent, row.decided_at) for row in rows] == [("carol", None)]
    assert needing(rebuilt) == ["carol"]
    rebuilt.get(rebuilt.approvals.approve(rows[0].id, OPERATOR))
    rebuilt.settle()
    assert needing(rebuilt) == []
    rebuilt.get(rebuilt.updates.stopService())


def test_what_changes_while_the_daemon_runs_is_shown_and_restarts_nobody(rebuilt: Bench) -> None:
    rebuilt.containers.made_from = "here"
    rebuilt.updates.startService()
    rebuilt.settle()
    rebuilt.containers.made_from = "there"
    rebuilt.pass_time(600)
    assert started(rebuilt) == []
    assert needing(rebuilt) == ["carol", "dora", MANAGER]
    rebuilt.get(rebuilt.updates.stopService())


def test_where_a_rebuild_fails_no_other_agent_is_touched(rebuilt: Bench) -> None:
    rebuilt.containers.faults["start"] = ContainerError("the image is broken")
    rebuilt.updates.startService()
    rebuilt.settle()
    assert started(rebuilt) == [MANAGER]
    assert {"carol", "dora"} <= rebuilt.containers.runs.keys()
    rebuilt.get(rebuilt.updates.stopService())


def test_an_update_that_was_denied_is_not_asked_for_again_until_something_else_changes(rebuilt: Bench) -> None:
    deploy(rebuilt, "carol", "auto_update = 'ask'\n")
    rebuilt.containers.made_from = "elsewhere"
    rebuilt.updates.startService()
    rebuilt.settle()
    asked = updates(rebuilt)
    rebuilt.get(rebuilt.approvals.deny(asked[0].id, None, OPERATOR))
    rebuilt.pass_time(600)
    assert len(updates(rebuilt)) == 1
    rebuilt.containers.made_from = "somewhere else"
    rebuilt.pass_time(600)
    assert [row.status for row in updates(rebuilt)] == [ApprovalStatus.PENDING, ApprovalStatus.DENIED]
    rebuilt.operate("carol", OperationKind.REBUILD)
    assert updates(rebuilt)[0].status is ApprovalStatus.CANCELLED
    rebuilt.get(rebuilt.updates.stopService())


def test_who_was_built_from_nobody_knows_what_does_not_need_an_update(rebuilt: Bench) -> None:
    rebuilt.containers.faults["origin"] = ContainerError("the flake can't be read")
    rebuilt.operate("carol", OperationKind.RESTART)
    del rebuilt.containers.faults["origin"]
    rebuilt.containers.calls.clear()
    rebuilt.updates.startService()
    rebuilt.settle()
    assert "carol" not in started(rebuilt)
    rebuilt.get(rebuilt.updates.stopService())


def updates(bench: Bench) -> list[Approval]:
    return [row for row in bench.get(bench.approvals.every()) if row.kind is ApprovalKind.UPDATE]
