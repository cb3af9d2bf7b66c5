"""Turns over a real socket: every request of a harness, and the orders that it waits for on a second connection."""

from __future__ import annotations

from typing import Any

import pytest
from twisted.internet.defer import CancelledError, Deferred

from hyperhive.protocols.agent_turns import TurnDesk
from hyperhive.services.leases import Leases
from hyperhive.wire import turn_requests
from hyperhive.wire.states import OrderKind
from tests.protocols.mailroom import Mail, client_of_bob, mail_of_bob  # noqa: F401 - fixtures
from tests.protocols.stage import Client, turn

pytestmark = pytest.mark.deadline(10)

MANY = '{"cmd":"recv","wait_seconds":0,"max":32}'
BEGIN = '{"cmd":"begin_turn","ids":[1],"runner":"command"}'
REPLY = '{"cmd":"send","to":"alice","body":"yes","in_turn":true}'
DONE = '{"cmd":"end_turn","turn":1,"outcome":"done","usage":{"output_tokens":7}}'
ORDERS = '{"cmd":"orders"}'


def order(mail: Mail, kind: OrderKind = OrderKind.COMPACT) -> Deferred[None]:
    return Deferred.fromCoroutine(mail.harnesses.order("bob", kind))


async def test_a_turn_from_its_beginning_to_its_end(mail: Mail, bob: Client) -> None:
    await mail.send("one")
    await bob.ask(MANY)
    assert await bob.ask(BEGIN) == {"kind": "ok", "id": 1}
    events = '{"cmd":"turn_events","turn":1,"first":1,"events":["a","b"]}'
    assert await bob.ask(events) == {"kind": "ok", "count": 2}
    assert await bob.ask(events) == {"kind": "ok", "count": 0}
    assert await bob.ask(REPLY) == {"kind": "ok", "kept": True}
    assert await bob.ask(DONE) == {"kind": "ok", "count": 1}
    assert await bob.ask(DONE) == {"kind": "ok", "count": 0}
    await mail.reach((2, False, 0), (0, False, 0))


async def test_a_message_of_a_turn_that_is_no_reply_has_a_number(mail: Mail, bob: Client) -> None:
    assert await bob.ask(REPLY) == {"kind": "ok", "id": 1}
    to_all = '{"cmd":"send","to":"*","body":"all","in_turn":true}'
    assert await bob.ask(to_all) == {"kind": "ok", "ids": [2, 3]}


async def test_a_message_of_a_turn_to_everyone_where_nobody_else_is_is_not_said_to_be_kept(
    mail: Mail, bob: Client
) -> None:
    others = "UPDATE agents SET present = 0 WHERE name <> 'bob'"
    await mail.broker.database.perform(lambda connection: connection.execute(others).rowcount)
    assert await bob.ask('{"cmd":"send","to":"*","body":"all","in_turn":true}') == {"kind": "ok", "ids": []}


async def test_what_a_turn_fetched_and_did_not_read_comes_back(mail: Mail, bob: Client) -> None:
    await mail.send("one")
    await bob.ask(MANY)
    await bob.ask(BEGIN)
    await mail.send("two")
    tool = mail.stage.client()
    await tool.say(MANY)
    await mail.reach((1, False, 0), (1, False, 0))
    await bob.ask(DONE)
    await mail.reach((2, False, 0), (0, True, 0))


async def test_requests_about_turns_show_the_agent_at_work(mail: Mail, monkeypatch: pytest.MonkeyPatch) -> None:
    desk = TurnDesk(mail.turns, mail.harnesses, mail.leases, "bob", lambda: None)
    seen: list[str] = []
    monkeypatch.setattr(Leases, "alive", lambda _, name: seen.append(name))
    desk.answer(turn_requests.Orders()).addErrback(lambda reason: reason.trap(CancelledError) and None)
    assert seen == []
    await desk.answer(turn_requests.BeginTurn((), "command"))
    assert seen == ["bob"]
    desk.left()


async def test_a_report_is_taken_note_of(mail: Mail, bob: Client) -> None:
    report = '{"cmd":"report","state":"limited","until":1800000000,"model":"m","note":"why"}'
    assert await bob.ask(report) == {"kind": "ok"}


async def test_an_order_reaches_who_waits_for_it(mail: Mail, bob: Client) -> None:
    await bob.say(ORDERS)
    asked = order(mail)
    assert await bob.hear() == {"kind": "orders", "orders": [{"order": "compact"}]}
    await asked  # though nothing more was said on that connection


async def test_an_order_that_was_not_read_reaches_the_next(mail: Mail, bob: Client) -> None:
    gone = mail.stage.client()
    await gone.say(ORDERS)
    conversation = await mail.stage.met(2)
    asked = order(mail)
    await turn()
    gone.leave()
    await mail.stage.gone(conversation)
    assert (await bob.ask(ORDERS))["orders"] == [{"order": "compact"}]
    await asked


async def test_who_leaves_gives_up_its_place(mail: Mail, bob: Client) -> None:
    gone = mail.stage.client()
    await gone.say(ORDERS)
    conversation = await mail.stage.met(2)
    gone.leave()
    await mail.stage.gone(conversation)
    asked = order(mail)
    assert len((await bob.ask(ORDERS))["orders"]) == 1
    await asked


async def test_who_asks_no_more_is_answered_with_nothing(mail: Mail, bob: Client) -> None:
    other: Any = mail.stage.client()
    await other.say(ORDERS)
    await bob.say(ORDERS)
    bob.end_sending()
    assert await bob.hear() == {"kind": "orders", "orders": []}
    assert not other.has_heard()
    other.leave()
