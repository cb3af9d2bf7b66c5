"""What is known of what the peer has read, when it asks again, leaves, or is closed on."""

from __future__ import annotations

import pytest

from tests.protocols.scripted_desk import RECV, STATUS, ScriptedDesk, fill, left, parked, take
from tests.protocols.stage import Client, Stage, turn

pytestmark = pytest.mark.deadline(10)


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
