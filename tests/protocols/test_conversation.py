"""One connection over a real Unix socket: what is answered when, and how it ends."""

from __future__ import annotations

from typing import Any

import pytest
from twisted.python.failure import Failure

from hyperhive.limits import MAX_LINE
from hyperhive.protocols.conversation import LINGER
from hyperhive.wire import responses
from hyperhive.wire.codec import MANAGER
from tests.protocols.conftest import Client, Stage, turn
from tests.protocols.scripted_desk import ScriptedDesk

STATUS, RECV, WAIT = '{"cmd":"status"}', '{"cmd":"recv"}', '{"cmd":"whoami"}'
BATCH = '{"cmd":"recv","max":32}'
EMPTY = {"kind": "empty"}

pytestmark = pytest.mark.deadline(10)


def take(body: str) -> str:
    return f'{{"cmd":"operator_msg","body":"{body}"}}'


def fill(rows: int) -> str:
    """Ask for an answer of so many kilobytes."""
    return f'{{"cmd":"recent","limit":{rows}}}'


def status(count: int) -> dict[str, Any]:
    return {"kind": "status", "unread": count}


@pytest.fixture
def desk(stage: Stage) -> ScriptedDesk:
    made = ScriptedDesk()

    def at(look: Any) -> ScriptedDesk:
        made.look = look
        return made

    stage.serve(MANAGER, at)
    return made


@pytest.fixture
def client(stage: Stage, desk: ScriptedDesk) -> Client:
    return stage.client()


async def parked(desk: ScriptedDesk, count: int = 1) -> None:
    while len(desk.parked) < count:
        await turn()


async def left(desk: ScriptedDesk) -> None:
    while not desk.has_left:
        await turn()


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


async def test_the_longest_line_is_read(client: Client) -> None:
    line = b'{"cmd":"status","x":"' + b"x" * (MAX_LINE - 23) + b'"}'
    assert len(line) == MAX_LINE
    assert await client.ask(line) == status(1)


@pytest.mark.parametrize("ended", [True, False])
async def test_a_longer_line_is_refused_and_the_connection_closed(client: Client, *, ended: bool) -> None:
    await client.say(STATUS)
    await client.say_bytes(b"x" * (MAX_LINE + 1) + (b"\n" + STATUS.encode() + b"\n") * ended)
    assert await client.hear() == status(1)
    assert "longer than 1048576 bytes" in (await client.hear())["message"]
    assert await client.hear() is None


async def test_who_never_ends_a_line_can_read_why_it_is_turned_away(client: Client, stage: Stage) -> None:
    conversation = await stage.met()
    writing = 0
    chunk = b"x" * 65536
    while writing < 4 * MAX_LINE:
        await client.say_bytes(chunk)
        writing += len(chunk)
    assert "longer than 1048576 bytes" in (await client.hear())["message"]
    assert await client.hear() is None
    assert len(conversation._buffer) < MAX_LINE
    stage.clock.advance(LINGER)
    await stage.gone(conversation)


async def test_a_parked_receiver_is_answered_before_its_over_long_line_is_refused(client: Client) -> None:
    await client.say(RECV)
    await client.say_bytes(b"x" * (MAX_LINE + 1))
    assert await client.hear() == EMPTY
    assert "longer than" in (await client.hear())["message"]
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


async def test_a_thousand_requests_ahead_are_answered_in_order(client: Client) -> None:
    await client.say(*[STATUS] * 1000)
    assert [(await client.hear())["unread"] for _ in range(1000)] == list(range(1, 1001))


async def test_so_many_requests_wait_and_no_more_is_read(client: Client, desk: ScriptedDesk, stage: Stage) -> None:
    await client.say(RECV, *[STATUS] * 1000)
    await parked(desk)
    for _ in range(20):
        await turn()
    conversation = await stage.met()
    assert (len(conversation._slots), desk.count) == (253, 252)  # the waiting one counts for 4 of 256
    desk.mail("at last")
    assert (await client.hear())["body"] == "at last"
    assert [(await client.hear())["unread"] for _ in range(1000)] == list(range(1, 1001))


@pytest.mark.parametrize(("request_", "taken_up"), [(RECV, 63), (BATCH, 8), (fill(1), 8), (STATUS, 252)])
async def test_what_an_answer_may_weigh_bounds_how_many_are_taken_up(
    client: Client, desk: ScriptedDesk, stage: Stage, request_: str, taken_up: int
) -> None:
    await client.say(RECV, *[request_] * 300)  # the first counts for 4 of 256
    await parked(desk)
    for _ in range(20):
        await turn()
    assert len((await stage.met())._slots) == 1 + taken_up


async def test_a_burst_of_the_shortest_lines_is_answered(client: Client) -> None:
    await client.say_bytes(b"\n" * 100_000)
    client.end_sending()
    for _ in range(100_000):
        line = await client.hear_line()
        assert line is not None
    assert await client.hear() is None


async def test_who_does_not_read_is_not_read_from(client: Client, desk: ScriptedDesk, stage: Stage) -> None:
    conversation = await stage.met()
    sent = 0
    try:
        while sent < 100_000:
            client.socket.sendall(f"{fill(100)}\n".encode())
            sent += 1
            await turn()
    except BlockingIOError:
        pass
    assert sent < 100_000
    transport = conversation.transport
    assert len(transport.dataBuffer) + transport._tempDataLen < 40 * 1024 * 1024
    assert conversation._brake.unread
    # Once it reads, everything it asked is answered.
    for _ in range(sent):
        assert len((await client.hear())["agents"]) == 100


async def test_an_answer_that_does_not_fit_on_a_line_carries_fewer_rows(client: Client) -> None:
    await client.say(fill(2000))
    line = await client.hear_line()
    assert line is not None
    assert 900_000 < len(line) <= MAX_LINE


# What is known of what the peer has read.


async def test_an_answer_is_read_once_a_later_request_comes(client: Client, desk: ScriptedDesk) -> None:
    await client.ask(take("one"))
    assert desk.outcomes() == [None]
    await client.ask(STATUS)
    assert desk.outcomes() == ["read"]


async def test_an_answer_is_not_yet_read_where_requests_run_ahead(client: Client, desk: ScriptedDesk) -> None:
    await client.say(take("one"))
    while not client.has_heard():
        await turn()
    await client.say(STATUS)
    while desk.count == 0:
        await turn()
    assert desk.outcomes() == [None]
    await client.hear()
    await client.hear()
    await client.ask(STATUS)
    assert desk.outcomes() == ["read"]


async def test_looking_finds_out_what_was_read(client: Client, desk: ScriptedDesk) -> None:
    await client.say(take("one"))
    while not client.has_heard():
        await turn()
    desk.look()
    assert desk.outcomes() == [None]
    await client.hear()
    desk.look()
    assert desk.outcomes() == ["read"]


async def test_who_leaves_having_read_all_has_read_all(client: Client, desk: ScriptedDesk) -> None:
    await client.ask(take("one"))
    client.leave()
    await left(desk)
    assert desk.outcomes() == ["read"]


async def test_who_leaves_having_read_nothing_has_read_nothing(client: Client, desk: ScriptedDesk) -> None:
    await client.say(take("one"))
    while not client.has_heard():
        await turn()
    client.leave()
    await left(desk)
    assert desk.outcomes() == ["not read"]


@pytest.mark.parametrize("size", [100_000, 250_000])
async def test_who_leaves_in_the_middle_of_an_answer_has_not_read_it(
    client: Client, desk: ScriptedDesk, size: int
) -> None:
    await client.say(take("x" * size))
    while not client.has_heard():
        await turn()
    client.socket.recv(1000)
    client.leave()
    await left(desk)
    assert desk.outcomes() == ["not read"]


async def test_who_drains_the_kernel_and_leaves_our_buffer_full_has_not_read_it(
    client: Client, desk: ScriptedDesk, stage: Stage
) -> None:
    conversation = await stage.met()
    await client.say(take("x" * 262_000))
    while not (desk.leases and conversation._peer.owed()):
        await turn()
    while True:  # all that is in the kernel, without letting the reactor write more
        try:
            client.socket.recv(65536)
        except BlockingIOError:
            break
    client.leave()
    await left(desk)
    assert desk.outcomes() == ["not read"]


async def test_who_leaves_while_parked_frees_its_place(client: Client, desk: ScriptedDesk) -> None:
    await client.say(RECV)
    await parked(desk)
    client.leave()
    await left(desk)
    assert desk.parked == []


async def test_what_comes_after_the_peer_left_was_not_written(client: Client, desk: ScriptedDesk) -> None:
    desk.left = lambda: setattr(desk, "has_left", True)  # type: ignore[method-assign]
    await client.say(RECV)
    await parked(desk)
    client.leave()
    await left(desk)
    desk.mail("too late")
    assert desk.outcomes() == ["not written"]


async def test_what_waited_behind_another_answer_was_not_written(client: Client, desk: ScriptedDesk) -> None:
    await client.say(RECV, take("behind"))
    await parked(desk)
    client.leave()
    await left(desk)
    assert desk.outcomes() == ["not written"]


async def test_a_half_closed_peers_answers_count_as_read_when_they_are_written(
    client: Client, desk: ScriptedDesk
) -> None:
    await client.say(take("one"))
    client.end_sending()
    await left(desk)
    assert desk.outcomes() == ["read"]


async def test_closing_gives_back_what_was_not_read(client: Client, desk: ScriptedDesk, stage: Stage) -> None:
    conversation = await stage.met()
    await client.ask(take("read"))
    await client.say(take("unread"))
    while len(desk.leases) < 2:
        await turn()
    await client.say(RECV, take("behind"))
    while len(desk.leases) < 3:
        await turn()
    conversation.close()
    assert desk.outcomes() == ["read", "not read", "not written"]
    await stage.gone(conversation)
    assert desk.has_left


async def test_closing_ends_what_the_peer_does_not_read(client: Client, desk: ScriptedDesk, stage: Stage) -> None:
    conversation = await stage.met()
    await client.say(fill(1000))
    while not conversation._brake.unread:
        await turn()
    conversation.close()
    while (line := await client.hear_line()) is not None:
        assert line
    await stage.gone(conversation)


# Subscriptions.


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
