"""Deploys: what was approved runs and is seen to be well, or what ran before runs again, and everyone hears which."""

from __future__ import annotations

from twisted.python.failure import Failure

from hyperhive.errors import ContainerError, RepositoryError
from hyperhive.wire import events
from hyperhive.wire.names import OPERATOR
from hyperhive.wire.states import ApprovalStatus, OperationKind, OperationState
from tests.bench import Bench
from tests.services.deploying import approve, ask, environment, heard, row, state


def test_an_approved_commit_runs_once_the_agent_has_spoken(bench: Bench, carol: str) -> None:
    id_ = ask(bench, carol)
    operation = approve(bench, id_)
    assert state(bench, operation) is OperationState.RUNNING
    assert environment(bench) == {"SPEED": "fast"}
    assert heard(bench) == []
    bench.pulse.voice(carol)()
    bench.settle()
    assert state(bench, operation) is OperationState.SUCCEEDED
    sha = row(bench, id_).sha
    assert bench.repositories.mains[carol] == sha
    steps = ("proposal", "approved", "building", "deployed")
    assert bench.repositories.tags_of(carol)[1:] == [f"{step}/1" for step in steps]
    assert [(type(event), getattr(event, "sha", None)) for event in heard(bench)] == [
        (events.Rebuilt, sha),
        (events.ApprovalResolved, sha),
    ]
    (status,) = [one for one in bench.get(bench.roster.statuses()) if one.name == carol]
    assert (status.deployed_sha, status.generation, status.restarts) == (sha, 2, 1)


def test_what_the_agent_said_before_its_new_start_is_no_sign_of_health(bench: Bench, carol: str) -> None:
    before = bench.pulse.voice(carol)
    operation = approve(bench, ask(bench, carol))
    before()
    bench.pass_time(59)
    assert state(bench, operation) is OperationState.RUNNING
    bench.pass_time(2)
    assert state(bench, operation) is OperationState.FAILED


def test_an_agent_that_stays_silent_is_back_on_what_ran_before_when_the_window_ends(bench: Bench, carol: str) -> None:
    id_ = ask(bench, carol, "[health]\nwindow = 5\n")
    first = bench.repositories.mains[carol]
    bench.containers.lines = ["it is dark in here"]
    operation = approve(bench, id_)
    bench.pass_time(4.5)
    assert state(bench, operation) is OperationState.RUNNING
    bench.pass_time(1)
    why = f"it did not speak on its socket within 5 seconds; {first[:12]} runs again"
    assert (bench.operation(operation).state, bench.operation(operation).error) == (OperationState.FAILED, why)
    assert (row(bench, id_).status, row(bench, id_).note) == (ApprovalStatus.FAILED, why)
    assert bench.repositories.mains[carol] == first
    assert bench.repositories.tags[carol, "failed/1"][1] == (
        "it did not speak on its socket within 5 seconds\n\nit is dark in here"
    )
    assert [type(event) for event in heard(bench)] == [events.Rebuilt, events.ApprovalResolved]
    assert heard(bench)[0] == events.Rebuilt(agent=carol, ok=False, note=why)
    assert bench.containers.plans[carol].files == bench.layout.deployed(carol) / first
    (status,) = [one for one in bench.get(bench.roster.statuses()) if one.name == carol]
    assert (status.running, status.failed, status.deployed_sha, status.generation) == (True, False, first, 3)


def test_an_agent_that_ends_within_the_window_is_not_waited_for_and_did_not_crash(bench: Bench, carol: str) -> None:
    operation = approve(bench, ask(bench, carol))
    bench.containers.crash(carol, "exited with status 3")
    bench.pass_time(1)
    assert "it did not stay up: exited with status 3" in str(bench.operation(operation).error)
    assert carol in bench.containers.runs
    assert not [event for event in heard(bench) if isinstance(event, events.ContainerCrash)]


def test_a_start_that_fails_puts_back_what_ran_before(bench: Bench, carol: str) -> None:
    id_ = ask(bench, carol)
    bench.containers.faults["start"] = ContainerError("no room")
    held = bench.containers.hold("stop")
    operation = approve(bench, id_)
    held.callback(None)
    bench.settle()
    assert "could not be started again: no room" in str(bench.operation(operation).error)
    (status,) = [one for one in bench.get(bench.roster.statuses()) if one.name == carol]
    assert (status.running, status.failed) == (False, True)
    assert "no room" in str(status.failure)


def test_a_check_of_the_agents_own_is_asked_until_it_succeeds(bench: Bench, carol: str) -> None:
    bench.containers.faults["check"] = ContainerError("not yet")
    operation = approve(bench, ask(bench, carol, "[health]\ncommand = ['ready', 'now']\n"))
    bench.pulse.voice(carol)()
    bench.pass_time(0.5)
    assert state(bench, operation) is OperationState.RUNNING
    del bench.containers.faults["check"]
    bench.pass_time(0.5)
    assert state(bench, operation) is OperationState.SUCCEEDED
    assert set(bench.containers.done("check")) == {("check", carol, "ready", "now")}


def test_a_stopped_agent_is_left_stopped_and_made_from_the_commit_at_its_next_start(bench: Bench, carol: str) -> None:
    bench.operate(carol, OperationKind.STOP)
    operation = approve(bench, ask(bench, carol))
    assert state(bench, operation) is OperationState.SUCCEEDED
    assert carol not in bench.containers.runs
    bench.operate(carol, OperationKind.START)
    assert environment(bench) == {"SPEED": "fast"}


def test_what_can_not_even_be_begun_leaves_the_agent_alone(bench: Bench, carol: str) -> None:
    id_ = ask(bench, carol)
    bench.repositories.faults["write_out"] = RepositoryError("the disk is full")
    operation = approve(bench, id_)
    assert state(bench, operation) is OperationState.FAILED
    assert bench.containers.runs[carol].generation == 1


def test_that_nobody_knows_what_an_agent_is_made_from_is_no_reason_not_to_start_it(bench: Bench, carol: str) -> None:
    bench.containers.faults["origin"] = ContainerError("the flake can't be read")
    assert bench.operate(carol, OperationKind.RESTART).state is OperationState.SUCCEEDED


def test_whatever_breaks_before_the_commit_is_seen_to_be_well_is_undone(
    bench: Bench, carol: str, logged: list[Failure]
) -> None:
    id_ = ask(bench, carol)
    bench.containers.faults["cause"] = ZeroDivisionError()
    operation = approve(bench, id_)
    bench.containers.crash(carol)
    bench.pass_time(1)
    assert state(bench, operation) is OperationState.FAILED
    assert "an internal error; the daemon's log has it" in str(bench.operation(operation).error)
    assert environment(bench) == {}
    assert [failure.type for failure in logged] == [ZeroDivisionError]
    logged.clear()


def test_what_fails_after_the_commit_was_seen_to_be_well_undoes_nothing(bench: Bench, carol: str) -> None:
    id_ = ask(bench, carol)
    bench.repositories.faults["move"] = RepositoryError("the disk is full")
    operation = approve(bench, id_)
    bench.pulse.voice(carol)()
    bench.settle()
    assert state(bench, operation) is OperationState.SUCCEEDED
    assert environment(bench) == {"SPEED": "fast"}
    assert bench.repositories.mains[carol] != row(bench, id_).sha
    del bench.repositories.faults["move"]
    bench.operate(carol, OperationKind.RESTART)
    assert bench.repositories.mains[carol] == row(bench, id_).sha


def test_what_is_missing_for_a_start_is_found_before_anything_is_stopped(bench: Bench, carol: str) -> None:
    id_ = ask(bench, carol)
    bench.containers.faults["prepare"] = ContainerError("there is no /srv/data")
    operation = approve(bench, id_)
    assert "there is no /srv/data" in str(bench.operation(operation).error)
    for kind in (OperationKind.REBUILD, OperationKind.RESTART):
        assert bench.operate(carol, kind).state is OperationState.FAILED
    assert bench.containers.runs[carol].generation == 1
    assert not bench.containers.done("stop")


def test_who_wants_the_agent_stopped_does_not_wait_for_its_health(bench: Bench, carol: str) -> None:
    operation = approve(bench, ask(bench, carol))
    bench.get(bench.lifecycle.request(carol, OperationKind.STOP, OPERATOR))
    bench.pass_time(0.5)
    assert "it was to be stopped before it was seen to be well" in str(bench.operation(operation).error)
    assert carol not in bench.containers.runs


def test_of_a_failed_deploy_whose_log_can_not_be_read_the_reason_is_tagged(bench: Bench, carol: str) -> None:
    bench.containers.faults["log"] = ContainerError("the journal is gone")
    approve(bench, ask(bench, carol))
    bench.pass_time(61)
    assert bench.repositories.tags[carol, "failed/1"][1].endswith("(its log can't be read: the journal is gone)")


def test_that_a_deploy_failed_is_tagged_later_where_it_can_not_be_at_once(bench: Bench, carol: str) -> None:
    id_ = ask(bench, carol)
    bench.repositories.faults["tag"] = RepositoryError("the disk is full")
    approve(bench, id_)
    assert row(bench, id_).status is ApprovalStatus.FAILED
    del bench.repositories.faults["tag"]
    bench.get(bench.approvals.stopService())
    assert bench.repositories.tags[carol, "failed/1"][1].startswith("the disk is full")
