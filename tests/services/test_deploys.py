"""Deploys: what was approved runs and is seen to be well, or what ran before runs again, and everyone hears which."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator

import pytest
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.python.failure import Failure

from hyperhive.errors import BadConfig, ContainerError, OperationFailed, Refused, RepositoryError, UnknownAgent
from hyperhive.services.writing import AGAIN
from hyperhive.store import configs, operations
from hyperhive.wire import events
from hyperhive.wire.names import MANAGER, OPERATOR
from hyperhive.wire.records import Approval
from hyperhive.wire.states import ApprovalStatus, OperationKind, OperationState
from tests.fakes import Bench

FAST = "[environment]\nSPEED = 'fast'\n"


@pytest.fixture
def carol(bench: Bench) -> str:
    """An agent that runs, by the configuration that it was spawned with."""
    bench.operate("carol", OperationKind.SPAWN)
    bench.repositories.calls.clear()
    return "carol"


def ask(bench: Bench, name: str, text: str = FAST) -> int:
    commit = bench.repositories.commit(name, text)
    return bench.get(bench.approvals.request_commit(name, commit[:12], "quicker", MANAGER))


def approve(bench: Bench, id_: int, digest: str | None = None) -> int:
    return bench.get(bench.approvals.approve(id_, OPERATOR, digest))


def row(bench: Bench, id_: int) -> Approval:
    return next(approval for approval in bench.get(bench.approvals.every()) if approval.id == id_)


def state(bench: Bench, operation: int) -> OperationState:
    return bench.operation(operation).state


def environment(bench: Bench, name: str = "carol") -> dict[str, str]:
    return dict(bench.containers.plans[name].config.environment)


def heard(bench: Bench) -> list[object]:
    """What the manager heard since the agent was spawned."""
    return bench.events_of(MANAGER)[1:]


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


def test_a_commit_is_refused_at_the_door_where_it_could_not_be_deployed(bench: Bench, carol: str) -> None:
    with pytest.raises(Refused, match="is what is deployed; commit a change"):
        bench.get(bench.approvals.request_commit(carol, bench.repositories.mains[carol], None, MANAGER))
    bad = bench.repositories.commit(carol, "colour = 'blue'\n")
    with pytest.raises(Exception, match=r"agent\.toml, line 1: there is no setting 'colour'"):
        bench.get(bench.approvals.request_commit(carol, bad, None, MANAGER))
    bench.containers.refuses = "'network' can't be had here"
    with pytest.raises(Exception, match=r"agent\.toml: 'network' can't be had here"):
        ask(bench, carol)
    bench.containers.refuses, bench.containers.can_not_read = None, "agent.nix, line 3: unexpected ';'"
    with pytest.raises(BadConfig, match=r"agent\.nix, line 3: unexpected ';'"):
        ask(bench, carol)
    with pytest.raises(Exception, match="there is no agent 'nobody'"):
        bench.get(bench.approvals.request_commit("nobody", "abcd", None, MANAGER))
    assert bench.get(bench.approvals.every()) == ()


def test_a_deploy_in_between_makes_an_approval_stale_until_the_new_diff_was_looked_at(bench: Bench, carol: str) -> None:
    first, second = ask(bench, carol), ask(bench, carol, "[environment]\nSPEED = 'slow'\n")
    shown = bench.get(bench.approvals.diff(second, None)).digest
    approve(bench, first)
    with pytest.raises(Refused, match=r"a deploy on 'carol' is under way \(operation 2\)"):
        approve(bench, second)
    bench.pulse.voice(carol)()
    bench.settle()
    assert (row(bench, first).stale, row(bench, second).stale) == (False, True)
    with pytest.raises(Refused, match="approval 2 is stale: it was asked for when carol was made from"):
        approve(bench, second)
    new = bench.get(bench.approvals.diff(second, None)).digest
    assert new is not None
    assert new != shown
    with pytest.raises(Refused, match=f"the digest is not that of what approval 2 changes now.*{new}"):
        approve(bench, second, shown)
    approve(bench, second, new)
    assert environment(bench) == {"SPEED": "slow"}


def test_a_commit_that_was_deployed_meanwhile_is_not_approved_again(bench: Bench, carol: str) -> None:
    first = ask(bench, carol)
    again = bench.get(bench.approvals.request_commit(carol, row(bench, first).sha or "", None, MANAGER))
    approve(bench, first)
    bench.pulse.voice(carol)()
    bench.settle()
    with pytest.raises(Refused, match=f"'carol' is made from .* already; deny approval {again}"):
        approve(bench, again)


def test_two_who_decide_at_once_decide_once(bench: Bench, carol: str) -> None:
    id_ = ask(bench, carol)
    approve(bench, id_)
    with pytest.raises(Refused, match="approval 1 was already approved by operator"):
        approve(bench, id_)
    with pytest.raises(Refused, match="approval 1 was already approved by operator"):
        bench.get(bench.approvals.deny(id_, None, OPERATOR))


def test_a_denied_commit_is_tagged_with_the_note(bench: Bench, carol: str) -> None:
    id_ = ask(bench, carol)
    bench.get(bench.approvals.deny(id_, "too quick", OPERATOR))
    assert bench.repositories.tags[carol, "denied/1"] == (row(bench, id_).sha, "by operator\n\ntoo quick")


def test_what_a_repository_was_not_told_it_is_told_by_the_next_daemon(bench: Bench, carol: str) -> None:
    bench.repositories.faults["tag"] = RepositoryError("the disk is full")
    id_ = ask(bench, carol)
    bench.get(bench.approvals.deny(id_, None, OPERATOR))
    assert bench.repositories.tags_of(carol) == ["deployed/0"]
    del bench.repositories.faults["tag"]
    bench.approvals.startService()
    bench.settle()
    assert bench.repositories.tags_of(carol) == ["deployed/0", "proposal/1", "denied/1"]


def test_a_rollback_is_a_deploy_by_the_operators_own_word(bench: Bench, carol: str) -> None:
    first = bench.repositories.mains[carol]
    with pytest.raises(Refused, match=r"nothing else than .* was ever deployed"):
        bench.get(bench.approvals.roll_back(carol, None, OPERATOR))
    approve(bench, ask(bench, carol))
    bench.pulse.voice(carol)()
    bench.settle()
    operation = bench.get(bench.approvals.roll_back(carol, None, OPERATOR))
    bench.pulse.voice(carol)()
    bench.settle()
    assert state(bench, operation) is OperationState.SUCCEEDED
    assert bench.repositories.mains[carol] == first
    back = row(bench, 2)
    assert (back.sha, back.status, back.decided_by) == (first, ApprovalStatus.APPROVED, OPERATOR)
    assert bench.repositories.tags_of(carol)[-4:] == ["proposal/2", "approved/2", "building/2", "deployed/2"]
    operation = bench.get(bench.approvals.roll_back(carol, "deployed/1", OPERATOR))
    assert environment(bench) == {"SPEED": "fast"}


def test_a_destroyed_agents_commit_can_be_deployed_and_is_what_it_comes_back_with(bench: Bench, carol: str) -> None:
    bench.operate(carol, OperationKind.DESTROY)
    approve(bench, ask(bench, carol))
    bench.operate(carol, OperationKind.SPAWN)
    assert environment(bench) == {"SPEED": "fast"}


def test_repositories_can_be_had_before_their_agent(bench: Bench) -> None:
    id_ = bench.get(bench.approvals.request_init_config("dora", "to be", MANAGER))
    assert bench.get(bench.approvals.pending()) == ((), 1)
    approve(bench, id_)
    assert bench.events_of(MANAGER)[0] == events.ConfigReady("dora")
    assert "dora" not in bench.get(bench.roster.names())
    with pytest.raises(Refused, match="there is a configuration of 'dora' already"):
        bench.get(bench.approvals.request_init_config("dora", None, MANAGER))
    approve(bench, ask(bench, "dora"))
    approve(bench, bench.get(bench.approvals.request_spawn("dora", None, MANAGER)))
    assert environment(bench, "dora") == {"SPEED": "fast"}


def test_a_purge_takes_the_configuration_away_and_a_new_agent_begins_with_a_new_one(bench: Bench, carol: str) -> None:
    bench.operate(carol, OperationKind.DESTROY, flag=True)
    with pytest.raises(UnknownAgent, match="there is no agent 'carol'"):
        bench.get(bench.configurations.history(carol))
    assert not bench.layout.deployed(carol).exists()


def test_an_agent_from_before_configurations_gets_one_by_a_rebuild(bench: Bench, carol: str) -> None:
    bench.get(bench.broker.database.perform(lambda connection: configs.forget(connection, carol)))
    with pytest.raises(Refused, match="there is no configuration of 'carol'; 'rebuild' makes one"):
        bench.get(bench.configurations.history(carol))
    bench.operate(carol, OperationKind.REBUILD)
    assert bench.get(bench.configurations.history(carol)) is not None


def test_an_approval_without_a_commit_has_neither_diff_nor_digest(bench: Bench) -> None:
    id_ = bench.get(bench.approvals.request_spawn("carol", None, MANAGER))
    with pytest.raises(Refused, match=f"approval {id_} is about no commit"):
        bench.get(bench.approvals.diff(id_, None))
    with pytest.raises(Refused, match=f"approval {id_} is about no commit, so there is no digest"):
        approve(bench, id_, "abc")


def test_who_asks_for_too_much_at_once_is_refused(bench: Bench) -> None:
    for number in range(100):
        bench.get(bench.approvals.request_spawn(f"x{number}", None, MANAGER))
    with pytest.raises(Refused, match="100 approvals that you asked for wait already"):
        bench.get(bench.approvals.request_spawn("y", None, MANAGER))


def test_an_old_approval_of_a_commit_that_was_never_pinned_fails_and_says_why(bench: Bench) -> None:
    bench.do(
        lambda connection: connection.execute(
            "INSERT INTO approvals (agent, kind, commit_ref, requested_by, requested_at, status) "
            "VALUES ('alice', 'apply_commit', 'abcd', 'manager', 1, 'pending')"
        )
    )
    with pytest.raises(OperationFailed, match="ask for it again"):
        approve(bench, 1)


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


def test_that_nobody_knows_what_an_agent_is_made_from_is_no_reason_not_to_start_it(bench: Bench, carol: str) -> None:
    bench.containers.faults["origin"] = ContainerError("the flake can't be read")
    assert bench.operate(carol, OperationKind.RESTART).state is OperationState.SUCCEEDED


def test_the_hives_own_files_can_not_be_mounted(bench: Bench, carol: str) -> None:
    with pytest.raises(BadConfig, match="which is the hive's own"):
        ask(bench, carol, f"[[mounts]]\nsource = '{bench.layout.state}/agents'\ntarget = '/data'\n")


@pytest.mark.parametrize(("against", "base"), [("running", 0), ("last-approved", 1), ("previous-proposal", 2)])
def test_a_commit_is_compared_with_what_the_operator_chooses(bench: Bench, carol: str, against: str, base: int) -> None:
    bases = [bench.repositories.mains[carol]]
    for hue in ("red", "green"):
        id_ = ask(bench, carol, f"[environment]\nHUE = '{hue}'\n")
        bases.append(str(row(bench, id_).sha))
    approve(bench, 1)
    bench.pass_time(61)
    id_ = ask(bench, carol)
    found = bench.get(bench.approvals.diff(id_, against))
    assert (found.base, found.digest is None) == (bases[base], against != "running")


def test_of_large_files_as_much_is_shown_as_an_answer_has_room_for(bench: Bench, carol: str) -> None:
    commit = bench.repositories.commit(carol, FAST)
    bench.repositories.proposed[carol][commit] |= {"a": b"a" * 131_000, "b": b"b\xff", "c": b""}
    bench.get(bench.approvals.request_commit(carol, commit, None, MANAGER))
    _, files = bench.get(bench.configurations.files(carol, commit))
    room = 128 * 1024 - len(FAST) - 131_000
    assert [(file.path, len(file.text), file.cut) for file in files] == [
        ("agent.toml", len(FAST), False), ("a", 131_000, False), ("b", min(2, room), False), ("c", 0, False)
    ]  # fmt: skip
    bench.repositories.applied[carol][commit]["a"] += b"a" * 100
    _, files = bench.get(bench.configurations.files(carol, commit))
    assert [(file.path, file.cut) for file in files] == [("agent.toml", False), ("a", True), ("b", True), ("c", False)]


def test_what_was_decided_is_shown_against_what_ran_when_it_was(bench: Bench, carol: str) -> None:
    id_ = ask(bench, carol)
    before = bench.get(bench.approvals.diff(id_, None))
    approve(bench, id_)
    bench.pulse.voice(carol)()
    bench.settle()
    after = bench.get(bench.approvals.diff(id_, None))
    assert (after.base, after.diff) == (before.base, before.diff)
    assert bench.get(bench.approvals.diff(id_, "running")).base == row(bench, id_).sha


def test_a_stale_one_that_was_granted_is_shown_against_what_the_yes_was_to(bench: Bench, carol: str) -> None:
    first, second = ask(bench, carol), ask(bench, carol, "[environment]\nSPEED = 'slow'\n")
    approve(bench, first)
    bench.pulse.voice(carol)()
    bench.settle()
    approve(bench, second, bench.get(bench.approvals.diff(second, None)).digest)
    assert bench.get(bench.approvals.diff(second, None)).base == row(bench, first).sha
    assert row(bench, second).base == row(bench, first).sha


def test_there_has_to_be_something_to_compare_with(bench: Bench, carol: str) -> None:
    id_ = ask(bench, carol)
    with pytest.raises(Refused, match="there is nothing with the tag 'proposal/…' to compare approval 1 with"):
        bench.get(bench.approvals.diff(id_, "previous-proposal"))
    with pytest.raises(Refused, match="'against' must be one of running, last-approved, previous-proposal"):
        bench.get(bench.approvals.diff(id_, "tomorrow"))


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


def test_who_waits_for_a_deploy_when_the_daemon_ends_is_told_that_it_goes_on(bench: Bench, carol: str) -> None:
    operation = approve(bench, ask(bench, carol))
    waiting = Deferred.fromCoroutine(bench.lifecycle.ended(operation))
    Deferred.fromCoroutine(bench.lifecycle.stopService())
    bench.pass_time(0.5)
    with pytest.raises(OperationFailed, match="deploy of 'carol' goes on with the next one"):
        bench.get(waiting)


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


def test_nothing_is_granted_of_an_agent_that_is_being_destroyed(bench: Bench, carol: str) -> None:
    id_ = ask(bench, carol)
    bench.do(lambda connection: configs.compare(connection, carol, "there"))
    bench.get(bench.approvals.request_update(carol, "there", MANAGER))
    held = bench.containers.hold("stop")
    bench.get(bench.lifecycle.request(carol, OperationKind.DESTROY, OPERATOR, flag=True))
    for one in (id_, id_ + 1):
        with pytest.raises(OperationFailed):
            approve(bench, one)
    held.callback(None)
    bench.settle()
    assert not bench.layout.home(carol).exists()
    assert carol not in bench.doors.opened


def test_a_second_grant_of_the_same_repositories_is_refused(bench: Bench) -> None:
    first, second = (bench.get(bench.approvals.request_init_config("dora", None, MANAGER)) for _ in range(2))
    approve(bench, first)
    with pytest.raises(OperationFailed, match="there is a configuration of 'dora' already"):
        approve(bench, second)
    assert [event for event in bench.events_of(MANAGER) if isinstance(event, events.ConfigReady)] == [
        events.ConfigReady("dora")
    ]


def test_nothing_is_kept_of_a_commit_that_was_refused(bench: Bench, carol: str) -> None:
    bad = bench.repositories.commit(carol, "colour = 'blue'\n")
    with pytest.raises(BadConfig):
        bench.get(bench.approvals.request_commit(carol, bad, None, MANAGER))
    assert bench.repositories.calls[-1] == ("let_go", carol, bad)
    assert not (bench.layout.deployed(carol) / bad).exists()


def test_the_last_approved_commit_is_the_one_that_was_approved_last(bench: Bench, carol: str) -> None:
    first, second = ask(bench, carol), ask(bench, carol, "[environment]\nSPEED = 'slow'\n")
    approve(bench, second)
    bench.pass_time(61)
    assert bench.get(bench.approvals.diff(first, "last-approved")).base == row(bench, second).sha


def test_what_another_agent_could_replace_is_not_shown(bench: Bench, carol: str) -> None:
    bench.operate("alice", OperationKind.RESTART)
    approve(bench, ask(bench, "alice", "mounts = [{ source = '/srv/share', target = '/share', writable = true }]"))
    bench.pulse.voice("alice")()
    bench.settle()
    with pytest.raises(BadConfig, match="'/srv/share/data' does not go with '/srv/share' of alice"):
        ask(bench, carol, "mounts = [{ source = '/srv/share/data', target = '/data' }]")


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


def test_a_configuration_without_its_agent_can_be_purged(bench: Bench) -> None:
    approve(bench, bench.get(bench.approvals.request_init_config("dora", None, MANAGER)))
    assert bench.operate("dora", OperationKind.DESTROY, flag=True).state is OperationState.SUCCEEDED
    approve(bench, bench.get(bench.approvals.request_init_config("dora", None, MANAGER)))


def test_a_rollback_skips_what_has_failed_whatever_else_was_said_of_it(bench: Bench, carol: str) -> None:
    first = bench.repositories.mains[carol]
    for hue in ("red", "green"):
        approve(bench, ask(bench, carol, f"[environment]\nHUE = '{hue}'\n"))
        bench.pulse.voice(carol)()
        bench.settle()
    bench.repositories.tags[carol, "failed/1"] = bench.repositories.tags[carol, "deployed/1"]
    bench.get(bench.approvals.roll_back(carol, None, OPERATOR))
    assert bench.containers.plans[carol].files == bench.layout.deployed(carol) / first
