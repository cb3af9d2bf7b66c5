"""How long a line may be, and how much waits: what is refused, and what is read later."""

from __future__ import annotations

import pytest

from hyperhive.limits import MAX_LINE
from hyperhive.protocols.conversation import LINGER
from tests.protocols.scripted_desk import BATCH, EMPTY, RECV, STATUS, ScriptedDesk, fill, parked, status
from tests.protocols.stage import Client, Stage, turn

pytestmark = pytest.mark.deadline(10)


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
