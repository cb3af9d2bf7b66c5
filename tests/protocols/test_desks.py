"""What the operator and the manager may ask for: each verb does what it says, and in whose name."""

from __future__ import annotations

from typing import Any

import pytest

from hyperhive.errors import Refused, UnknownAgent
from hyperhive.services.orders import Given
from hyperhive.wire import agent_requests, host_requests, host_turn_requests, manager_requests
from hyperhive.wire.agent_requests import Answer, Whoami
from hyperhive.wire.host_turn_requests import Held, Release
from hyperhive.wire.names import EVERYONE, MANAGER, OPERATOR, REMINDER
from hyperhive.wire.records import ConfigFile, Urls
from hyperhive.wire.responses import HostResponse, Identity, List, Logs, Ok, Receipt
from hyperhive.wire.states import ApprovalStatus, MessageState, OperationState, OrderKind, QuestionStatus
from hyperhive.wire.turns import Order
from tests.bench import Bench
from tests.fakes import NOW
from tests.protocols.asking import Ask


def test_the_manager_asks_for_an_agent_and_the_operator_decides(bench: Bench, operator: Ask, manager: Ask) -> None:
    assert manager(manager_requests.RequestSpawn("carol", "to help")) == Ok(id=1)
    assert manager(manager_requests.RequestInitConfig("dora")) == Ok(id=2)
    assert operator(manager_requests.RequestSpawn("dave")) == HostResponse(ok=True, id=3)
    assert [approval.id for approval in operator(host_requests.Pending()).approvals] == [1, 3]
    assert operator(host_requests.Approve(1)) == HostResponse(ok=True, operation=1)
    assert operator(host_requests.Deny(3, "enough")) == HostResponse(ok=True)
    assert manager(manager_requests.CancelApproval(2)) == Ok()
    assert [(row.id, row.status, row.note) for row in operator(host_requests.Pending(all=True)).approvals] == [
        (3, ApprovalStatus.DENIED, "enough"),
        (2, ApprovalStatus.CANCELLED, None),
        (1, ApprovalStatus.APPROVED, None),
    ]


def test_a_commit_is_asked_for_shown_granted_and_taken_back(bench: Bench, operator: Ask, manager: Ask) -> None:
    operator(host_requests.Rebuild("bob"))
    first = bench.repositories.mains["bob"]
    commit = bench.repositories.commit("bob", "auto_update = false")
    assert manager(manager_requests.RequestApplyCommit("bob", commit)) == Ok(id=1)
    shown = operator(host_requests.Diff(1))
    assert (shown.base, shown.sha, [row.id for row in shown.approvals]) == (first, commit, [1])
    assert "auto_update" in shown.diff
    granted = operator(host_requests.Approve(1, shown.digest))
    bench.pulse.voice("bob")()
    bench.settle()
    assert bench.operation(granted.operation).state is OperationState.SUCCEEDED
    assert operator(host_requests.ConfigShow("bob")).sha == commit
    assert operator(host_requests.ConfigShow("bob", "deployed/0")).files == (ConfigFile(path="agent.toml", text=""),)
    back = operator(host_requests.Rollback("bob", wait=False))
    bench.pulse.voice("bob")()
    bench.settle()
    assert bench.operation(back.operation).state is OperationState.SUCCEEDED
    log = operator(host_requests.ConfigLog("bob")).config_log
    assert (log[0].tag, log[0].sha) == ("deployed/2", first)


def test_the_operator_withdraws_nothing_in_the_managers_name(bench: Bench, operator: Ask, manager: Ask) -> None:
    operator(manager_requests.RequestSpawn("dave"))
    with pytest.raises(Refused, match="only who asked can withdraw it"):
        manager(manager_requests.CancelApproval(1))


def test_the_operators_mail_comes_from_the_operator(bench: Bench, operator: Ask) -> None:
    assert operator(host_requests.Send("bob", "hi", 7)) == HostResponse(ok=True, id=1)
    assert operator(host_requests.Send(EVERYONE, "all")) == HostResponse(ok=True, ids=(2, 3, 4))
    (first, second) = bench.taken("bob")
    assert (first.sender, first.body, first.in_reply_to, second.body) == (OPERATOR, "hi", 7, "all")
    assert [row.id for row in operator(host_requests.Messages(9, agent="bob")).messages] == [3, 1]
    with pytest.raises(UnknownAgent):
        operator(host_requests.Send("nobody", "hi"))


def test_the_operator_reads_what_was_sent_to_him(bench: Bench, operator: Ask) -> None:
    bench.send("bob", OPERATOR, "done")
    assert [row.body for row in operator(host_requests.Inbox(5)).inbox] == ["done"]


def test_the_operator_answers_and_cancels(bench: Bench, operator: Ask) -> None:
    ids = [bench.get(bench.questions.ask("alice", None, "so?", ("a",), None, multi=False)) for _ in range(3)]
    assert operator(Answer(ids[0], choices=("a",))) == HostResponse(ok=True)
    assert operator(host_requests.CancelQuestion(ids[1])) == HostResponse(ok=True)
    assert [row.id for row in operator(host_requests.Questions()).questions] == [ids[2]]
    assert [row.status for row in operator(host_requests.Questions(all=True)).questions] == [
        QuestionStatus.OPEN, QuestionStatus.CANCELLED, QuestionStatus.ANSWERED
    ]  # fmt: skip


def test_both_see_who_is_there_and_what_they_print(bench: Bench, operator: Ask, manager: Ask) -> None:
    bench.containers.lines = ["one", "two"]
    assert operator(manager_requests.List()).agents == ("alice", "bob", MANAGER)
    assert manager(manager_requests.List()) == List(("alice", "bob", MANAGER))
    assert operator(host_requests.Logs("bob", 1)).log == ("two",)
    assert manager(manager_requests.GetLogs("bob", 2)) == Logs(("one", "two"))


def test_the_operator_pauses_and_sees_it(bench: Bench, operator: Ask) -> None:
    assert operator(host_requests.SetPaused("bob", paused=True)) == HostResponse(ok=True)
    answer = operator(host_requests.AgentStatus())
    assert [(status.name, status.paused) for status in answer.agent_statuses] == [
        ("alice", False), ("bob", True), (MANAGER, False)
    ]  # fmt: skip
    assert (answer.backend.kind, answer.backend.isolates) == ("fake", False)
    assert operator(host_requests.Urls()).urls == Urls(domain="hive.example")


def test_a_dead_letter_is_listed_and_queued_again(bench: Bench, operator: Ask) -> None:
    operator(host_requests.Spawn("carol"))
    id_ = bench.send("alice", "carol", "one")
    operator(host_requests.Destroy("carol", purge=True))
    assert [row.id for row in operator(host_requests.DeadLetters()).messages] == [id_]
    operator(host_requests.Spawn("carol"))
    assert operator(host_requests.Requeue(id_)) == HostResponse(ok=True)
    assert [letter.body for letter in bench.taken("carol")] == ["one"]


def test_the_manager_is_an_agent_too(manager: Ask) -> None:
    assert manager(Whoami()) == Identity(MANAGER, "manager", "test", 1)


def test_an_agent_is_reminded_and_sees_what_lies_ahead(bench: Bench, manager: Ask) -> None:
    assert manager(agent_requests.Remind("later", 60)) == Ok(id=1)
    assert manager(agent_requests.Remind("now", at=0)) == Ok(id=2)
    assert [(letter.sender, letter.body) for letter in bench.taken(MANAGER)] == [(REMINDER, "now")]
    rows = manager(agent_requests.GetOpenThreads()).rows
    assert {(row.kind, row.id) for row in rows} >= {("reminder", 1)}
    with pytest.raises(Refused, match="'message' is empty"):
        manager(agent_requests.Remind(" ", 60))


def test_a_receipt_is_for_the_sender_alone(bench: Bench, manager: Ask) -> None:
    ids = [bench.send(sender, "bob", "hi") for sender in (MANAGER, "alice")]
    assert manager(agent_requests.Receipt(ids[0])) == Receipt(ids[0], MessageState.QUEUED, 0, NOW)
    with pytest.raises(Refused, match=f"you sent no message {ids[1]}"):
        manager(agent_requests.Receipt(ids[1]))


def test_the_operator_sees_what_is_held_and_lets_it_go(bench: Bench, operator: Ask, manager: Ask) -> None:
    first = bench.send("bob", MANAGER, "hi")
    for _ in range(41):
        manager(agent_requests.Send("bob", "hi", first))
    assert operator(Held()).held[0].agents == ("bob", MANAGER)
    assert len(bench.taken("bob", 99)) == 40
    assert operator(Release(first)) == HostResponse(ok=True)
    assert operator(Held()) == HostResponse(ok=True, held=())
    assert len(bench.taken("bob", 99)) == 1
    with pytest.raises(Refused, match=f"conversation {first} is not held"):
        operator(Release(first))


def test_the_operator_sees_turns_and_their_streams(bench: Bench, operator: Ask) -> None:
    turn = bench.get(bench.turns.begin("bob", (), "command", None))
    bench.get(bench.turns.hear("bob", turn, 1, ["one", "two"]))
    bench.get(bench.turns.begin("alice", (), "command", None))
    assert [row.agent for row in operator(host_turn_requests.Turns(9)).turns] == ["alice", "bob"]
    assert [row.id for row in operator(host_turn_requests.Turns(9, "bob")).turns] == [turn]
    found = operator(host_turn_requests.TurnLog(turn, 1))
    assert [(row.id, row.events) for row in found.turns] == [(turn, 2)]
    assert [(event.seq, event.event) for event in found.events] == [(2, "two")]
    with pytest.raises(Refused, match="there is no turn 9"):
        operator(host_turn_requests.TurnLog(9))


@pytest.mark.parametrize(
    ("request_made", "order"),
    [
        (host_turn_requests.CancelTurn("bob"), Order(order=OrderKind.CANCEL_TURN, turn=1)),
        (host_turn_requests.Compact("bob"), Order(order=OrderKind.COMPACT)),
        (host_turn_requests.NewSession("bob"), Order(order=OrderKind.NEW_SESSION)),
        (host_turn_requests.SetModel("bob", "m"), Order(order=OrderKind.SET_MODEL, model="m")),
        (host_turn_requests.SetModel("bob"), Order(order=OrderKind.SET_MODEL)),
        (host_turn_requests.Login("bob", "t"), Order(order=OrderKind.LOGIN, token="t")),
    ],
)
def test_the_operators_orders_reach_the_harness(
    bench: Bench, operator: Ask, request_made: Any, order: Order
) -> None:  # fmt: skip
    bench.get(bench.turns.begin("bob", (), "claude", None))
    taken: list[Order] = []

    def take(given: tuple[Given, ...]) -> None:
        for one in given:
            taken.append(one.order)
            bench.orders.read(one)

    bench.orders.wait("bob", 30, lambda: None).addCallback(take)
    assert operator(request_made) == HostResponse(ok=True)
    assert taken == [order]
