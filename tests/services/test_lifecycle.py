"""What each operation does: an agent spawned, started, stopped, rebuilt or destroyed, and who hears of it."""

from __future__ import annotations

from functools import partial

import pytest

from hyperhive.boundaries import Running
from hyperhive.errors import UnknownAgent
from hyperhive.store import agents
from hyperhive.store import approvals as approval_table
from hyperhive.store.approvals import Proposal
from hyperhive.wire import events
from hyperhive.wire.states import ApprovalKind, ApprovalStatus, OperationKind
from tests.bench import Bench
from tests.fakes import NOW
from tests.services.operating import (
    DESTROY,
    REBUILD,
    RESTART,
    SPAWN,
    START,
    STOP,
    SUCCEEDED,
    agent,
    manager_heard,
    request,
    state,
)


def test_a_start_does_nothing_where_the_agent_runs_as_it_was_started(bench: Bench) -> None:
    bench.operate("carol", SPAWN)
    assert bench.operate("carol", START).state is SUCCEEDED
    assert bench.containers.calls.count(("start", "carol", 1)) == 1
    assert agent(bench, "carol").generation == 1


def test_a_start_begins_anew_where_somebody_else_has_started_the_container(bench: Bench) -> None:
    bench.operate("carol", SPAWN)
    bench.containers.runs["carol"] = Running(generation=0, since=NOW, pid=2)
    assert bench.operate("carol", START).state is SUCCEEDED
    assert ("start", "carol", 2) in bench.containers.calls


def test_a_spawned_agent_has_a_home_a_door_and_runs(bench: Bench) -> None:
    operation = bench.operate("carol", SPAWN)
    assert operation.state is SUCCEEDED
    assert (operation.queued_at, operation.started_at, operation.ended_at) == (NOW, NOW, NOW)
    assert bench.containers.runs["carol"].generation == 1
    assert "carol" in bench.doors.opened
    assert bench.layout.notes("carol").is_dir()
    assert bench.layout.config_link("carol").resolve() == bench.layout.proposed("carol").resolve()
    assert agent(bench, "carol").wanted == agents.RUNNING
    assert manager_heard(bench) == [events.Spawned(agent="carol", ok=True)]


def test_a_stopped_agent_is_told_of_as_killed(bench: Bench) -> None:
    assert bench.operate("bob", STOP).state is SUCCEEDED
    assert "bob" not in bench.containers.runs
    assert agent(bench, "bob").wanted == agents.STOPPED
    assert manager_heard(bench) == [events.Killed("bob")]


def test_stopping_who_is_stopped_is_told_to_nobody(bench: Bench) -> None:
    bench.operate("bob", STOP)
    assert bench.operate("bob", STOP).state is SUCCEEDED
    assert len(manager_heard(bench)) == 1


def test_stopping_who_crashed_is_no_killing(bench: Bench) -> None:
    bench.do(partial(agents.crashed, name="bob", generation=1, why="killed"))
    bench.containers.crash("bob")
    assert bench.operate("bob", STOP).state is SUCCEEDED
    assert agent(bench, "bob").failed is False
    assert manager_heard(bench) == []


@pytest.mark.parametrize("kind", [RESTART, REBUILD])
def test_to_start_again_who_crashed_is_no_restart_of_it(bench: Bench, kind: OperationKind) -> None:
    bench.do(partial(agents.crashed, name="bob", generation=1, why="killed"))
    bench.containers.crash("bob")
    assert bench.operate("bob", kind).state is SUCCEEDED
    assert bench.containers.runs["bob"].generation == 2
    assert agent(bench, "bob").restarts == 0


@pytest.mark.parametrize(("flag", "how"), [(False, "graceful"), (True, "at once")])
def test_a_stop_is_graceful_unless_it_says_otherwise(bench: Bench, *, flag: bool, how: str) -> None:
    bench.operate("bob", STOP, flag=flag)
    assert bench.containers.done("stop") == [("stop", "bob", how)]


def test_a_restart_is_a_new_start_and_told_to_nobody(bench: Bench) -> None:
    assert bench.operate("bob", RESTART).state is SUCCEEDED
    assert bench.containers.runs["bob"].generation == 2
    assert agent(bench, "bob").restarts == 1
    assert manager_heard(bench) == []


def test_starting_who_runs_changes_nothing(bench: Bench) -> None:
    assert bench.operate("bob", START).state is SUCCEEDED
    assert bench.containers.runs["bob"].generation == agent(bench, "bob").generation == 1
    assert not bench.containers.done("start")


def test_a_rebuild_is_told_and_starts_again_who_ran(bench: Bench) -> None:
    bench.operate("bob", REBUILD)
    assert bench.containers.runs["bob"].generation == 2
    assert manager_heard(bench) == [events.Rebuilt(agent="bob", ok=True)]


def test_a_rebuild_leaves_stopped_who_was(bench: Bench) -> None:
    bench.operate("bob", STOP)
    assert bench.operate("bob", REBUILD).state is SUCCEEDED
    assert "bob" not in bench.containers.runs
    assert agent(bench, "bob").wanted == agents.STOPPED


def test_a_destroyed_agent_keeps_its_state_and_its_mail(bench: Bench) -> None:
    bench.operate("carol", SPAWN)
    bench.send("alice", "carol", "one")
    bench.send("alice", "carol", "two")
    bench.leases.hand("carol", bench.get(bench.receive("carol", 1)), lambda: None)
    assert bench.operate("carol", DESTROY).state is SUCCEEDED
    assert "carol" not in bench.doors.opened
    assert "carol" not in bench.get(bench.roster.names())
    assert bench.layout.notes("carol").is_dir()
    assert manager_heard(bench) == [events.Spawned(agent="carol", ok=True), events.Destroyed("carol")]
    bench.operate("carol", SPAWN)
    assert [(letter.body, letter.redelivered) for letter in bench.taken("carol")] == [("one", True), ("two", False)]
    assert agent(bench, "carol").generation == 2


def test_a_purged_agent_loses_its_state_and_its_mail_bounces(bench: Bench) -> None:
    bench.operate("carol", SPAWN)
    id_ = bench.send("alice", "carol", "one")
    assert bench.operate("carol", DESTROY, flag=True).state is SUCCEEDED
    assert not bench.layout.home("carol").exists()
    assert not bench.layout.proposed("carol").exists()
    assert bench.events_of("alice") == [events.Bounced(id=id_, to="carol", reason="'carol' was purged")]


def test_a_destroyed_agent_can_be_purged_later(bench: Bench) -> None:
    bench.operate("carol", SPAWN)
    bench.operate("carol", DESTROY)
    assert bench.operate("carol", DESTROY, flag=True).state is SUCCEEDED
    assert not bench.layout.home("carol").exists()
    assert [event for event in manager_heard(bench) if isinstance(event, events.Destroyed)] == [
        events.Destroyed("carol")
    ]
    with pytest.raises(UnknownAgent):
        request(bench, "carol", DESTROY)


def test_a_destroy_fails_its_approvals_and_cancels_its_questions(bench: Bench) -> None:
    proposal = Proposal(agent="bob", kind=ApprovalKind.APPLY_COMMIT, commit_ref="0a1b", by="manager")
    bench.do(lambda connection: approval_table.queue(connection, proposal, NOW))
    bench.get(bench.questions.ask("alice", "bob", "so?", (), None, multi=False))
    bench.get(bench.questions.ask("bob", None, "and?", (), None, multi=False))
    bench.operate("bob", DESTROY)
    (approval,) = bench.get(bench.approvals.every())
    assert (approval.status, approval.note) == (ApprovalStatus.FAILED, "agent destroyed")
    assert bench.get(bench.questions.listed(closed=False))[0] == ()
    assert [event.answer for event in bench.events_of("alice")] == ["[cancelled]"]
    assert {type(event) for event in manager_heard(bench)} == {events.Destroyed, events.ApprovalResolved}


def test_what_is_acknowledged_in_the_grace_of_a_restart_is_done(bench: Bench) -> None:
    id_ = bench.send("alice", "bob", "one")
    bench.taken("bob")
    held = bench.containers.hold("stop bob")
    bench.get(bench.lifecycle.request("bob", RESTART, "operator"))
    assert bench.get(bench.leases.acknowledge("bob", [id_])) == 1
    held.callback(None)
    bench.settle()
    assert bench.taken("bob") == []


def test_a_restart_takes_nothing_from_the_new_start(bench: Bench) -> None:
    bench.send("alice", "bob", "one")
    assert [letter.redelivered for letter in bench.taken("bob")] == [False]
    held = bench.containers.hold("start bob")
    operation = bench.get(bench.lifecycle.request("bob", RESTART, "operator"))
    assert [letter.redelivered for letter in bench.taken("bob")] == [True]  # the new start is up, and asks at once
    held.callback(None)
    bench.settle()
    assert state(bench, operation) is SUCCEEDED
    assert bench.taken("bob") == []


def test_a_home_is_reached_by_nobody_else(bench: Bench) -> None:
    bench.operate("carol", SPAWN)
    for path in (bench.layout.notes("carol"), bench.layout.credentials("carol")):
        assert path.stat().st_mode & 0o777 == 0o700
