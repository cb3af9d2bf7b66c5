"""Operations: one at a time an agent, several agents at once, whoever goes away and however they end."""

from __future__ import annotations

import sqlite3
from functools import partial
from pathlib import Path

import pytest
from twisted.internet.defer import Deferred

from hyperhive.boundaries import Running
from hyperhive.errors import BadName, ContainerError, DoorError, OperationFailed, Refused, StartupError, UnknownAgent
from hyperhive.services.writing import AGAIN
from hyperhive.store import agents, operations
from hyperhive.store import approvals as approval_table
from hyperhive.store.approvals import Proposal
from hyperhive.wire import events
from hyperhive.wire.states import ApprovalKind, ApprovalStatus, OperationKind, OperationState
from tests.fakes import NOW, Bench

SPAWN, START, STOP = OperationKind.SPAWN, OperationKind.START, OperationKind.STOP
RESTART, REBUILD, DESTROY = OperationKind.RESTART, OperationKind.REBUILD, OperationKind.DESTROY
SUCCEEDED, FAILED = OperationState.SUCCEEDED, OperationState.FAILED
RUNNING, QUEUED = OperationState.RUNNING, OperationState.QUEUED


def request(bench: Bench, name: str, kind: OperationKind, *, flag: bool = False) -> int:
    return bench.get(bench.lifecycle.request(name, kind, "operator", flag=flag))


def state(bench: Bench, id_: int) -> OperationState:
    return bench.operation(id_).state


def agent(bench: Bench, name: str) -> agents.Agent:
    found = bench.do(partial(agents.found, name=name))
    assert found is not None
    return found


def broken(*_: object) -> None:
    raise ZeroDivisionError


def no_room(*_: object) -> None:
    raise sqlite3.OperationalError("database or disk is full")


def manager_heard(bench: Bench) -> list[object]:
    return bench.events_of("manager")


def test_what_runs_of_nobody_in_the_hive_is_ended_when_a_daemon_starts(bench: Bench) -> None:
    bench.operate("carol", SPAWN)
    bench.containers.runs["ghost"] = Running(generation=0, since=NOW, pid=3)
    bench.get(bench.lifecycle.recover())
    bench.settle()
    assert "ghost" not in bench.containers.runs
    assert "carol" in bench.containers.runs
    assert ("remove", "ghost") in bench.containers.calls


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


@pytest.mark.parametrize("name", ["", "Carol", "carol.x", "9carol", "-x", "carol/../x", "manager", "operator", "system",
                                  "reminder", "abcdefghij", "cärol"])  # fmt: skip
def test_a_bad_name_is_refused_at_the_door(bench: Bench, name: str) -> None:
    with pytest.raises(BadName):
        request(bench, name, SPAWN)
    assert bench.get(bench.lifecycle.listed(ended=True)) == ()


def test_an_agent_that_exists_is_not_spawned(bench: Bench) -> None:
    with pytest.raises(Refused, match="there is an agent 'bob' already"):
        request(bench, "bob", SPAWN)


@pytest.mark.parametrize("kind", [START, STOP, RESTART, REBUILD, DESTROY])
def test_nobody_of_that_name_is_refused(bench: Bench, kind: OperationKind) -> None:
    with pytest.raises(UnknownAgent, match="there is no agent 'carol'"):
        request(bench, "carol", kind)


def test_the_manager_is_not_destroyed(bench: Bench) -> None:
    with pytest.raises(Refused, match="the manager can't be destroyed"):
        request(bench, "manager", DESTROY)


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


def test_what_will_be_decides_what_can_be_asked(bench: Bench) -> None:
    held = bench.containers.hold("stop")
    request(bench, "bob", DESTROY)
    with pytest.raises(UnknownAgent):
        request(bench, "bob", START)
    spawn = request(bench, "bob", SPAWN)
    start = request(bench, "bob", START)
    held.callback(None)
    bench.settle()
    assert [state(bench, id_) for id_ in (spawn, start)] == [SUCCEEDED] * 2
    assert "bob" in bench.containers.runs


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
    assert bench.get(bench.questions.listed(closed=False)) == ()
    assert [event.answer for event in bench.events_of("alice")] == ["[cancelled]"]
    assert {type(event) for event in manager_heard(bench)} == {events.Destroyed, events.ApprovalResolved}


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


# What an earlier daemon left.


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


@pytest.mark.parametrize("kind", [START, RESTART, STOP])
def test_who_crashed_before_an_operation_began_is_reported_first(bench: Bench, kind: OperationKind) -> None:
    id_ = bench.send("alice", "bob", "one")
    bench.taken("bob")
    bench.containers.crash("bob", "killed by SIGKILL")
    bench.operate("bob", kind)
    assert manager_heard(bench) == [events.ContainerCrash(agent="bob", note="killed by SIGKILL")]
    assert bench.states()[0] == (id_, 0, 1, 1)


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


def test_a_home_is_reached_by_nobody_else(bench: Bench) -> None:
    bench.operate("carol", SPAWN)
    for path in (bench.layout.notes("carol"), bench.layout.credentials("carol")):
        assert path.stat().st_mode & 0o777 == 0o700


def test_a_home_that_can_not_be_made_fails_the_spawn(bench: Bench, tmp_path: Path) -> None:
    bench.layout.home("carol").parent.mkdir(parents=True, exist_ok=True)
    bench.layout.home("carol").write_text("in the way")
    operation = bench.operate("carol", SPAWN)
    assert operation.state is FAILED
    assert "the home of 'carol' can't be made" in str(operation.error)


def use(bench: Bench, kind: str, boot: str = "this boot") -> None:
    """What a daemon begins with whose backend is of that kind."""
    bench.get(bench.lifecycle.prepare(boot, kind))


def test_another_backend_is_refused_while_agents_run_in_containers_of_the_one_before(bench: Bench) -> None:
    use(bench, "local")
    told = "the agents of this hive run in containers of the kind 'local': set that again, stop them .*'nspawn'"
    with pytest.raises(StartupError, match=told):
        use(bench, "nspawn")
    use(bench, "local")
    for name in ("alice", "bob", "manager"):
        bench.operate(name, STOP)
    use(bench, "nspawn")
    bench.operate("bob", START)
    with pytest.raises(StartupError, match="of the kind 'nspawn'"):
        use(bench, "local")


def test_another_backend_is_taken_where_agents_crashed_were_stopped_by_the_daemon_or_went_with_the_host(
    bench: Bench,
) -> None:
    use(bench, "local")
    bench.do(lambda connection: agents.start_failed(connection, "alice", "why", agents.RUNNING))
    bench.do(lambda connection: agents.is_stopped(connection, "bob", agents.RESUME))
    use(bench, "nspawn", "the next boot")


def test_another_backend_is_refused_where_a_daemon_ended_in_the_middle_of_a_start(bench: Bench) -> None:
    use(bench, "local")
    for name in ("alice", "bob", "manager"):
        bench.operate(name, STOP)
    bench.do(lambda connection: connection.execute("UPDATE operations SET state = 'running' WHERE id = 1"))
    with pytest.raises(StartupError, match="of the kind 'local'"):
        use(bench, "nspawn")


def test_a_hive_that_does_not_know_its_backend_has_the_one_that_is_configured(bench: Bench) -> None:
    bench.do(lambda connection: connection.execute("DELETE FROM facts WHERE name = 'containers'"))
    use(bench, "nspawn")
    with pytest.raises(StartupError, match="of the kind 'nspawn'"):
        use(bench, "local")
