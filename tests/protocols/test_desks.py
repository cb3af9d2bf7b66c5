"""What the operator and the manager may ask for: each verb does what it says, and in whose name."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from twisted.internet.defer import Deferred, maybeDeferred

from hyperhive.errors import BadName, ContainerError, OperationFailed, Refused, UnknownAgent
from hyperhive.protocols.agent import AgentDesk
from hyperhive.protocols.host import HostDesk
from hyperhive.protocols.host_console import HostConsoleDesk
from hyperhive.protocols.host_turns import HostTurnDesk
from hyperhive.protocols.manager import ManagerDesk
from hyperhive.services import homes
from hyperhive.services.changes import Changes
from hyperhive.services.orders import Given
from hyperhive.services.sessions import Sessions
from hyperhive.wire import agent_requests, host_requests, host_turn_requests, manager_requests
from hyperhive.wire.agent_requests import Answer, Whoami
from hyperhive.wire.host_turn_requests import Held, Release
from hyperhive.wire.names import EVERYONE, MANAGER, OPERATOR, REMINDER
from hyperhive.wire.records import ConfigFile, Console, Urls
from hyperhive.wire.responses import HostResponse, Identity, List, Logs, Ok, Receipt
from hyperhive.wire.states import (
    ApprovalStatus,
    MessageState,
    OperationKind,
    OperationState,
    OrderKind,
    QuestionStatus,
)
from hyperhive.wire.turns import Order
from tests.bench import Bench
from tests.fakes import NOW

Ask = Callable[[Any], Any]


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    monkeypatch.setattr(homes, "deferToThread", maybeDeferred)
    made = Bench(tmp_path)
    made.add_agents("alice", "bob", MANAGER)
    services = (made.broker, made.leases, made.turns, made.orders, made.lifecycle, made.approvals, made.questions)
    for service in (*services, made.reminders):
        service.startService()
    yield made
    made.questions.stopService()
    made.reminders.stopService()
    made.orders.stopService()
    made.turns.stopService()
    made.leases.stopService()
    made.close()


@pytest.fixture
def operator(bench: Bench) -> Ask:
    """Asks as the operator."""
    desk = HostDesk(
        broker=bench.broker,
        approvals=bench.approvals,
        configurations=bench.configurations,
        questions=bench.questions,
        lifecycle=bench.lifecycle,
        roster=bench.roster,
        changes=Changes(bench.broker, bench.roster),
        urls=Urls(domain="hive.example"),
        console=HostConsoleDesk(Sessions(bench.broker), lambda: Console(url="http://hive.localhost:7000")),
        turns=HostTurnDesk(bench.turns, bench.harnesses),
    )
    return lambda request: come_to(bench, desk.answer(request))


@pytest.fixture
def manager(bench: Bench) -> Ask:
    """Asks as the manager."""
    agent = AgentDesk(
        broker=bench.broker,
        leases=bench.leases,
        turns=bench.turns,
        harnesses=bench.harnesses,
        questions=bench.questions,
        reminders=bench.reminders,
        roster=bench.roster,
        hive="test",
        name=MANAGER,
        look=lambda: None,
        speak=bench.pulse.voice(MANAGER),
    )
    desk = ManagerDesk(agent=agent, approvals=bench.approvals, lifecycle=bench.lifecycle)
    return lambda request: come_to(bench, desk.answer(request))


def come_to(bench: Bench, answer: Any) -> Any:
    if isinstance(answer, HostResponse):
        return answer
    return bench.get(answer)


def last_operation(bench: Bench) -> tuple[str, OperationKind, str, OperationState]:
    row = bench.get(bench.lifecycle.listed(ended=True))[0]
    return row.agent, row.kind, row.requested_by, row.state


@pytest.mark.parametrize(
    ("request_made", "kind"),
    [
        (host_requests.Stop(name="bob"), OperationKind.STOP),
        (manager_requests.Kill("bob"), OperationKind.STOP),
        (host_requests.Start(name="bob"), OperationKind.START),
        (host_requests.Restart(name="bob"), OperationKind.RESTART),
        (host_requests.Rebuild("bob"), OperationKind.REBUILD),
        (host_requests.Destroy("bob"), OperationKind.DESTROY),
    ],
)
def test_the_operators_verbs_are_operations(
    bench: Bench, operator: Ask, request_made: Any, kind: OperationKind
) -> None:  # fmt: skip
    assert operator(request_made) == HostResponse(ok=True, operation=1)
    assert last_operation(bench) == ("bob", kind, OPERATOR, OperationState.SUCCEEDED)


@pytest.mark.parametrize(
    ("request_made", "kind"),
    [
        (manager_requests.Kill("bob"), OperationKind.STOP),
        (manager_requests.Start("bob"), OperationKind.START),
        (manager_requests.Restart("bob"), OperationKind.RESTART),
        (manager_requests.Update("bob"), OperationKind.REBUILD),
    ],
)
def test_the_managers_verbs_are_operations(
    bench: Bench, manager: Ask, request_made: Any, kind: OperationKind
) -> None:  # fmt: skip
    assert manager(request_made) == Ok()
    assert last_operation(bench) == ("bob", kind, MANAGER, OperationState.SUCCEEDED)


def test_a_spawned_agent_runs(bench: Bench, operator: Ask) -> None:
    assert operator(host_requests.Spawn("carol")).ok
    assert "carol" in bench.containers.runs
    with pytest.raises(BadName):
        operator(host_requests.Spawn("Carol"))


@pytest.mark.parametrize(("graceful", "how"), [(None, "graceful"), (True, "graceful"), (False, "at once")])
def test_the_operator_stops_without_grace_where_he_says_so(
    bench: Bench, operator: Ask, *, graceful: bool | None, how: str
) -> None:  # fmt: skip
    operator(host_requests.Stop(name="bob", graceful=graceful))
    assert bench.containers.done("stop") == [("stop", "bob", how)]


def test_a_purge_takes_the_home_too(bench: Bench, operator: Ask) -> None:
    operator(host_requests.Spawn("carol"))
    operator(host_requests.Destroy("carol"))
    assert bench.layout.home("carol").exists()
    operator(host_requests.Destroy("carol", purge=True))
    assert not bench.layout.home("carol").exists()


def test_who_does_not_wait_is_told_the_operation(bench: Bench, operator: Ask, manager: Ask) -> None:
    held = bench.containers.hold("stop")
    assert operator(host_requests.Stop(name="bob", wait=False)) == HostResponse(ok=True, operation=1)
    assert manager(manager_requests.Kill("alice", wait=False)) == Ok(operation=2)
    held.callback(None)
    bench.settle()


def test_an_operation_that_fails_is_told_in_words(bench: Bench, operator: Ask, manager: Ask) -> None:
    bench.containers.faults["stop"] = ContainerError("it does not die")
    sentence = "stop of 'bob' failed: it does not die (operation 1)"
    assert operator(host_requests.Stop(name="bob")) == HostResponse(ok=False, error=sentence, operation=1)
    with pytest.raises(OperationFailed, match="it does not die"):
        manager(manager_requests.Kill("bob"))


def test_the_manager_does_nothing_to_itself(bench: Bench, manager: Ask) -> None:
    with pytest.raises(Refused, match="the manager can't restart itself; ask the operator to"):
        manager(manager_requests.Restart(MANAGER))
    assert bench.get(bench.lifecycle.listed(ended=True)) == ()


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


def test_operations_are_listed_while_they_run_and_afterwards_if_asked(bench: Bench, operator: Ask) -> None:
    held: Deferred[None] = bench.containers.hold("stop")
    operator(host_requests.Stop(name="bob", wait=False))
    assert [row.id for row in operator(host_requests.Operations()).operations] == [1]
    held.callback(None)
    bench.settle()
    assert operator(host_requests.Operations()).operations == ()
    assert [row.id for row in operator(host_requests.Operations(all=True)).operations] == [1]


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
