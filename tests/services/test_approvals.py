"""Approvals: each is decided once, what it starts is on disk with the decision, and the manager hears its end."""

from __future__ import annotations

import json

import pytest

from hyperhive.errors import BadName, ContainerError, OperationFailed, Refused, UnknownAgent
from hyperhive.wire import events
from hyperhive.wire.codec import HOST, WireError
from hyperhive.wire.fields import TEXT_BYTES
from hyperhive.wire.names import MANAGER, OPERATOR
from hyperhive.wire.records import Approval
from hyperhive.wire.states import ApprovalKind, ApprovalStatus, OperationKind, Outcome
from tests.bench import Bench
from tests.fakes import NOW


def ask_spawn(bench: Bench, name: str = "carol") -> int:
    return bench.get(bench.approvals.request_spawn(name, "tests", MANAGER))


def row(bench: Bench, id_: int) -> Approval:
    return next(approval for approval in bench.get(bench.approvals.every()) if approval.id == id_)


def pending(bench: Bench) -> list[int]:
    return [approval.id for approval in bench.get(bench.approvals.pending())[0]]


def test_a_spawn_that_is_approved_is_carried_out(bench: Bench) -> None:
    id_ = ask_spawn(bench)
    assert pending(bench) == [id_]
    operation = bench.get(bench.approvals.approve(id_, OPERATOR))
    assert bench.operation(operation).kind is OperationKind.SPAWN
    assert "carol" in bench.containers.runs
    approval = row(bench, id_)
    assert (approval.status, approval.resolved_at, approval.decided_by) == (ApprovalStatus.APPROVED, NOW, OPERATOR)
    assert bench.events_of(MANAGER) == [
        events.Spawned(agent="carol", ok=True),
        events.ApprovalResolved(id=id_, agent="carol", commit_ref="", status=ApprovalStatus.APPROVED),
    ]


def test_until_its_action_ended_an_approval_is_decided_and_not_resolved(bench: Bench) -> None:
    held = bench.containers.hold("start")
    id_ = ask_spawn(bench)
    operation = bench.get(bench.approvals.approve(id_, OPERATOR))
    approval = row(bench, id_)
    assert (approval.status, approval.decided_at, approval.operation) == (ApprovalStatus.PENDING, NOW, operation)
    assert pending(bench) == []
    assert bench.events_of(MANAGER) == []
    with pytest.raises(Refused, match=f"approval {id_} was already approved by operator"):
        bench.get(bench.approvals.deny(id_, None, OPERATOR))
    held.callback(None)
    bench.settle()
    assert row(bench, id_).status is ApprovalStatus.APPROVED


def test_an_action_that_fails_fails_its_approval(bench: Bench) -> None:
    bench.containers.faults["start"] = ContainerError("no room")
    id_ = ask_spawn(bench)
    bench.get(bench.approvals.approve(id_, OPERATOR))
    bench.settle()
    assert (row(bench, id_).status, row(bench, id_).note) == (ApprovalStatus.FAILED, "no room")
    assert bench.events_of(MANAGER)[-1] == events.ApprovalResolved(
        id=id_, agent="carol", commit_ref="", status=ApprovalStatus.FAILED, note="no room"
    )
    with pytest.raises(Refused, match=f"^approval {id_} has already failed: no room$"):
        bench.get(bench.approvals.deny(id_, None, OPERATOR))


def test_each_is_decided_once(bench: Bench) -> None:
    id_ = ask_spawn(bench)
    bench.get(bench.approvals.deny(id_, "not now", OPERATOR))
    for decide in (bench.approvals.approve(id_, OPERATOR), bench.approvals.deny(id_, None, OPERATOR),
                   bench.approvals.cancel(id_, MANAGER)):  # fmt: skip
        with pytest.raises(Refused, match=f"approval {id_} was already denied by operator: not now"):
            bench.get(decide)
    assert bench.events_of(MANAGER) == [
        events.ApprovalResolved(id=id_, agent="carol", commit_ref="", status=ApprovalStatus.DENIED, note="not now")
    ]
    assert "carol" not in bench.containers.runs


def test_a_name_that_was_taken_meanwhile_fails_the_approval(bench: Bench) -> None:
    id_ = ask_spawn(bench)
    bench.operate("carol", OperationKind.SPAWN)
    with pytest.raises(OperationFailed, match=f"approval {id_} failed: there is an agent 'carol' already"):
        bench.get(bench.approvals.approve(id_, OPERATOR))
    assert row(bench, id_).status is ApprovalStatus.FAILED
    assert "there is an agent 'carol' already" in str(row(bench, id_).note)
    assert isinstance(bench.events_of(MANAGER)[-1], events.ApprovalResolved)


def test_of_two_for_the_same_name_the_second_fails(bench: Bench) -> None:
    ids = [ask_spawn(bench), ask_spawn(bench)]
    bench.get(bench.approvals.approve(ids[0], OPERATOR))
    with pytest.raises(OperationFailed):
        bench.get(bench.approvals.approve(ids[1], OPERATOR))


def test_what_could_never_run_is_refused_at_the_door(bench: Bench) -> None:
    with pytest.raises(UnknownAgent):
        bench.get(bench.approvals.request_commit("nobody", "0a1b", None, MANAGER))
    with pytest.raises(Refused, match="there is an agent 'bob' already"):
        ask_spawn(bench, "bob")
    with pytest.raises(BadName):
        ask_spawn(bench, "Carol")
    assert pending(bench) == []


def test_only_who_asked_withdraws_it_and_it_is_told_as_denied(bench: Bench) -> None:
    id_ = ask_spawn(bench)
    with pytest.raises(Refused, match=f"approval {id_} was not asked for by bob"):
        bench.get(bench.approvals.cancel(id_, "bob"))
    bench.get(bench.approvals.cancel(id_, MANAGER))
    assert row(bench, id_).status is ApprovalStatus.CANCELLED
    assert bench.events_of(MANAGER) == [
        events.ApprovalResolved(
            id=id_, agent="carol", commit_ref="", status=ApprovalStatus.DENIED, outcome=Outcome.CANCELLED
        )
    ]


def test_what_is_no_approval_is_refused(bench: Bench) -> None:
    for decide in (bench.approvals.approve(9, OPERATOR), bench.approvals.deny(9, None, OPERATOR),
                   bench.approvals.cancel(9, MANAGER)):  # fmt: skip
        with pytest.raises(Refused, match="there is no approval 9"):
            bench.get(decide)


def test_the_end_and_its_event_are_one_change(bench: Bench) -> None:
    id_ = ask_spawn(bench)
    bench.database._connection.execute("ALTER TABLE messages RENAME TO away")
    with pytest.raises(Exception, match="could not write"):
        bench.get(bench.approvals.deny(id_, None, OPERATOR))
    bench.database._connection.execute("ALTER TABLE away RENAME TO messages")
    assert pending(bench) == [id_]


def test_a_waiting_manager_hears_at_once(bench: Bench) -> None:
    waiting = bench.receive(MANAGER, 1, 30)
    bench.get(bench.approvals.deny(ask_spawn(bench), None, OPERATOR))
    assert len(bench.get(waiting).letters) == 1


def test_the_kinds_are_told_apart(bench: Bench) -> None:
    ask_spawn(bench)
    bench.operate("bob", OperationKind.START)
    commit = bench.repositories.commit("bob", "restart = 'no'")
    bench.get(bench.approvals.request_commit("bob", commit[:4], "newer", MANAGER))
    bench.get(bench.approvals.request_init_config("dora", None, MANAGER))
    rows, more = bench.get(bench.approvals.pending())
    assert [(one.kind, one.commit_ref, one.description) for one in rows] == [
        (ApprovalKind.SPAWN, "", "tests"), (ApprovalKind.APPLY_COMMIT, commit[:4], "newer")
    ]  # fmt: skip
    assert more == 1


def test_what_was_said_with_a_yes_is_kept_and_told_with_the_result(bench: Bench) -> None:
    id_ = ask_spawn(bench)
    bench.get(bench.approvals.approve(id_, OPERATOR, note="welcome"))
    assert (row(bench, id_).status, row(bench, id_).note) == (ApprovalStatus.APPROVED, "welcome")
    assert bench.events_of(MANAGER)[-1] == events.ApprovalResolved(
        id=id_, agent="carol", commit_ref="", status=ApprovalStatus.APPROVED, note="welcome"
    )


def test_a_note_that_the_wire_would_not_take_is_refused_in_its_words(bench: Bench) -> None:
    id_, note = ask_spawn(bench), "é" * (TEXT_BYTES // 2) + "x"
    in_words = "'note' must be a string of at most 16384 bytes, not a string of 16385 bytes"
    with pytest.raises(WireError) as refused:
        HOST.request(json.dumps({"cmd": "deny", "id": id_, "note": note}).encode())
    assert str(refused.value) == f"deny: {in_words}"
    for decision in (bench.approvals.deny(id_, note, OPERATOR), bench.approvals.approve(id_, OPERATOR, None, note)):
        with pytest.raises(Refused, match=f"^{in_words}$"):
            bench.get(decision)
    assert pending(bench) == [id_]
    bench.get(bench.approvals.deny(id_, note[:-1], OPERATOR))


def test_where_the_action_fails_the_reason_comes_before_what_was_said_with_the_yes(bench: Bench) -> None:
    bench.containers.faults["start"] = ContainerError("no room")
    id_ = ask_spawn(bench)
    bench.get(bench.approvals.approve(id_, OPERATOR, note="welcome"))
    bench.settle()
    assert (row(bench, id_).status, row(bench, id_).note) == (ApprovalStatus.FAILED, "no room\n\nwelcome")


def test_the_undecided_are_listed_oldest_first_and_the_decided_newest_first_by_pages(bench: Bench) -> None:
    first, second, third, fourth = (ask_spawn(bench, name) for name in ("carol", "dave", "erin", "frank"))
    init = bench.get(bench.approvals.request_init_config("grace", None, MANAGER))
    for id_ in (third, first, second):
        bench.get(bench.approvals.deny(id_, None, OPERATOR))
    assert [one.id for one in bench.get(bench.approvals.undecided())] == [fourth, init]
    assert [one.id for one in bench.get(bench.approvals.decided(2, None))] == [third, second]
    assert [one.id for one in bench.get(bench.approvals.decided(2, second))] == [first]
    assert bench.get(bench.approvals.one(init)).kind is ApprovalKind.INIT_CONFIG
    with pytest.raises(Refused, match="there is no approval 99"):
        bench.get(bench.approvals.one(99))
