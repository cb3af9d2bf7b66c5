"""One connection over a real Unix socket: what is answered when, and how it ends."""

from __future__ import annotations

import pytest
from twisted.python.failure import Failure

from hyperhive.protocols.conversation import LINGER
from hyperhive.wire import responses
from tests.protocols.scripted_desk import EMPTY, RECV, STATUS, WAIT, ScriptedDesk, fill, left, parked, status
from tests.protocols.stage import Client, Stage, turn

pytestmark = pytest.mark.deadline(10)


async def test_a_request_is_answered(client: Client) -> None:
    assert await client.ask(STATUS) == status(1)
    assert await client.ask(STATUS) == status(2)


async def test_requests_sent_ahead_are_taken_up_at_once_and_answered_in_order(
    client: Client, desk: ScriptedDesk
) -> None:
    await client.say(RECV, STATUS, RECV, STATUS)
    await parked(desk, 2)
    assert desk.count == 2
    await turn()
    assert not client.has_heard()
    second = desk.parked.pop(1)
    second.callback(desk.hand_out("later"))
    await turn()
    assert not client.has_heard()
    desk.mail("first")
    assert [(await client.hear())["kind"] for _ in range(4)] == ["message", "status", "message", "status"]


async def test_bytes_come_as_they_like(client: Client) -> None:
    for byte in (STATUS + "\r\n").encode():
        await client.say_bytes(bytes([byte]))
        await turn()
    assert await client.hear() == status(1)


async def test_a_refusal_is_one_sentence_and_the_connection_lives(client: Client) -> None:
    assert await client.ask('{"cmd":"send","to":"x","body":""}') == {"kind": "err", "message": "nobody is called x"}
    assert await client.ask('{"cmd":"get_open_threads"}') == {"kind": "err", "message": "not today"}
    assert (await client.ask("nonsense"))["kind"] == "err"
    assert (await client.ask(""))["message"].startswith("the line is empty")
    assert (await client.ask(b'{"cmd":"\xff"}'))["kind"] == "err"
    assert await client.ask(STATUS) == status(1)


async def test_a_fault_of_ours_is_a_sentence_and_the_connection_lives(
    client: Client, desk: ScriptedDesk, logged: list[Failure]
) -> None:
    answer = await client.ask('{"cmd":"renew"}')
    assert answer["message"] == "an internal error; the daemon's log has it, and nothing more is known here"
    assert logged.pop().check(ZeroDivisionError)
    await client.say(WAIT)
    await parked(desk)
    desk.parked.pop().errback(ZeroDivisionError("later"))
    assert (await client.hear())["message"] == answer["message"]
    assert logged.pop().check(ZeroDivisionError)
    assert await client.ask(STATUS) == status(1)


async def test_who_shuts_down_sending_gets_every_answer_and_then_the_end(client: Client) -> None:
    await client.say(RECV, STATUS, RECV)
    client.end_sending()
    assert [await client.hear() for _ in range(4)] == [EMPTY, status(1), EMPTY, None]


@pytest.mark.parametrize("rows", [1, 60, 70, 500])
async def test_who_shuts_down_sending_gets_slow_answers_too(client: Client, desk: ScriptedDesk, rows: int) -> None:
    desk.hurry = lambda: None  # type: ignore[method-assign]
    await client.say(WAIT)
    client.end_sending()
    await parked(desk)
    for _ in range(3):
        await turn()
    desk.parked.pop().callback(responses.List(tuple("x" * 1000 for _ in range(rows))))
    assert len((await client.hear())["agents"]) == rows
    assert await client.hear() is None


@pytest.mark.parametrize("rows", [1, 60, 70, 500])
async def test_who_shuts_down_sending_gets_large_answers_too(client: Client, rows: int) -> None:
    await client.say(fill(rows))
    client.end_sending()
    assert len((await client.hear())["agents"]) == rows
    assert await client.hear() is None


async def test_a_last_line_that_is_cut_off_is_refused(client: Client) -> None:
    await client.say(STATUS)
    await client.say_bytes(b'{"cmd":"stat')
    client.end_sending()
    assert await client.hear() == status(1)
    assert (await client.hear())["message"] == "the last line was cut off; a request ends with a newline"
    assert await client.hear() is None


async def test_who_may_not_speak_is_told_so_and_nothing_is_answered(stage: Stage, desk: ScriptedDesk) -> None:
    stage.objection = "not you"
    client = stage.client()
    await client.say(STATUS)
    assert await client.hear() == {"kind": "err", "message": "not you"}
    assert await client.hear() is None
    assert desk.count == 0
    client.leave()
    await stage.gone(await stage.met())


async def test_who_was_turned_away_and_stays_is_cut_off(stage: Stage, desk: ScriptedDesk) -> None:
    stage.objection = "not you"
    stage.client()
    conversation = await stage.met()
    stage.clock.advance(LINGER)
    await stage.gone(conversation)
    assert not stage.clock.getDelayedCalls()


async def test_a_subscriber_hears_its_acknowledgement_and_then_the_stream(client: Client, desk: ScriptedDesk) -> None:
    await client.say(RECV, '{"cmd":"list"}', STATUS)
    await parked(desk)
    desk.mail("first")
    assert [(await client.hear())["kind"] for _ in range(3)] == ["message", "ok", "empty"]
    assert desk.count == 0  # what comes after a subscription is not read
    desk.stream.write_answer(responses.Status(7))
    assert await client.hear() == status(7)
    client.leave()
    await left(desk)
    assert desk.ended == 1


async def test_a_subscriber_that_shuts_down_sending_is_let_go(client: Client, desk: ScriptedDesk) -> None:
    await client.say('{"cmd":"list"}')
    assert [(await client.hear())["kind"] for _ in range(2)] == ["ok", "empty"]
    desk.stream.write_answer(responses.List(tuple("x" * 1000 for _ in range(500))))
    assert not desk.stream.flows()
    client.end_sending()
    assert len((await client.hear())["agents"]) == 500
    assert await client.hear() is None
    await left(desk)
    assert desk.ended >= 1


async def test_a_stream_flows_again_when_the_peer_has_read(client: Client, desk: ScriptedDesk) -> None:
    await client.say('{"cmd":"list"}')
    await client.hear()
    resumed: list[bool] = []
    desk.stream.when_it_flows(lambda: resumed.append(desk.stream.flows()))
    desk.stream.write_answer(responses.List(tuple("x" * 1000 for _ in range(500))))
    assert not desk.stream.flows()
    await client.hear()
    await client.hear()
    while not resumed:
        await turn()
    assert resumed == [True]
