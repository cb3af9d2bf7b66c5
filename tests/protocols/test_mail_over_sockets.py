"""Mail over a real socket, in both forms of `recv`: what becomes of it when the peer leaves."""

from __future__ import annotations

import contextlib
import json

import pytest
from twisted.internet.error import ConnectionDone
from twisted.python.failure import Failure

from tests.protocols.mailroom import Mail, client_of_bob, mail_of_bob  # noqa: F401 - fixtures
from tests.protocols.stage import Client, turn

pytestmark = pytest.mark.deadline(10)

QUEUED, LEASED, DONE = 0, 1, 2


RECV, MANY = '{"cmd":"recv","wait_seconds":0}', '{"cmd":"recv","wait_seconds":0,"max":32}'


async def test_the_seeds_form_hands_out_one_message_at_a_time(mail: Mail, bob: Client) -> None:
    await mail.send("one", "two")
    assert await bob.ask(RECV) == {"kind": "message", "from": "alice", "body": "one", "id": 1}
    assert await bob.ask(RECV) == {"kind": "message", "from": "alice", "body": "two", "id": 2}
    assert await bob.ask(RECV) == {"kind": "empty"}
    await mail.reach((DONE, False, 0), (DONE, False, 0))


async def test_a_serde_client_waits_with_null(mail: Mail, bob: Client) -> None:
    await bob.say('{"cmd":"recv","wait_seconds":null}')
    await mail.stage.met()
    await mail.send("one")
    assert (await bob.hear())["body"] == "one"


async def test_receivers_sent_ahead_are_served_in_order(mail: Mail, bob: Client) -> None:
    await bob.say(*['{"cmd":"recv"}'] * 3)
    await mail.send("one", "two", "three")
    assert [(await bob.hear())["body"] for _ in range(3)] == ["one", "two", "three"]


async def test_who_leaves_having_read_has_settled_the_seeds_form(mail: Mail, bob: Client) -> None:
    await mail.send("one")
    await bob.ask(RECV)
    bob.leave()
    await mail.reach((DONE, False, 0))


async def test_who_leaves_without_reading_gets_it_again_marked(mail: Mail, bob: Client) -> None:
    await mail.send("one", "two")
    await bob.say(RECV)
    while not bob.has_heard():
        await turn()
    bob.leave()
    await mail.reach((QUEUED, True, 0), (QUEUED, False, 0))
    again = mail.stage.client()
    assert await again.ask(RECV) == {"kind": "message", "from": "alice", "body": "one", "id": 1, "redelivered": True}


@pytest.mark.parametrize("form", [RECV, MANY])
async def test_who_leaves_in_the_middle_of_a_large_message_gets_it_again(mail: Mail, bob: Client, form: str) -> None:
    await mail.send("x" * 250_000)
    await bob.say(form)
    while not bob.has_heard():
        await turn()
    bob.socket.recv(10_000)
    bob.leave()
    await mail.reach((QUEUED, True, 0))


@pytest.mark.parametrize("form", ['{"cmd":"recv"}', '{"cmd":"recv","max":5}'])
async def test_who_leaves_while_parked_takes_nothing_along(mail: Mail, bob: Client, form: str) -> None:
    await bob.say(form)
    conversation = await mail.stage.met()
    while not conversation._slots:
        await turn()
    bob.leave()
    await mail.stage.gone(conversation)
    await mail.send("one")
    assert await mail.states() == [(QUEUED, False, 0)]


async def test_the_other_form_hands_out_many_and_waits_for_the_word(mail: Mail, bob: Client) -> None:
    await mail.send("one", "two")
    answer = await bob.ask(MANY)
    assert [(row["id"], row["from"], row["body"], row["redelivered"]) for row in answer["messages"]] == [
        (1, "alice", "one", False), (2, "alice", "two", False)
    ]  # fmt: skip
    assert await bob.ask('{"cmd":"status"}') == {"kind": "status", "unread": 0}
    assert await mail.states() == [(LEASED, False, 0)] * 2
    assert await bob.ask('{"cmd":"renew"}') == {"kind": "ok", "count": 2}
    assert await bob.ask('{"cmd":"ack_turn","ids":[2]}') == {"kind": "ok", "count": 1}
    assert await bob.ask('{"cmd":"ack_turn"}') == {"kind": "ok", "count": 1}
    assert await mail.states() == [(DONE, False, 0)] * 2


async def test_no_mail_is_an_empty_list(bob: Client) -> None:
    assert await bob.ask(MANY) == {"kind": "messages", "messages": []}


@pytest.mark.parametrize("most", [0, 33, 2**64 - 1])
async def test_so_many_at_once_are_refused(bob: Client, most: int) -> None:
    answer = await bob.ask(f'{{"cmd":"recv","max":{most}}}')
    assert answer["message"] == f"recv: 'max' must be a whole number from 1 to 32, not {most}"


async def test_who_leaves_having_read_keeps_the_other_forms_lease(mail: Mail, bob: Client) -> None:
    await mail.send("one")
    await bob.ask(MANY)
    bob.leave()
    await mail.stage.gone(await mail.stage.met())
    again = mail.stage.client()
    assert await again.ask('{"cmd":"ack_turn"}') == {"kind": "ok", "count": 1}


async def test_who_leaves_without_reading_loses_the_other_forms_lease(mail: Mail, bob: Client) -> None:
    await mail.send("one")
    await bob.say(MANY)
    while not bob.has_heard():
        await turn()
    bob.leave()
    await mail.reach((QUEUED, True, 0))
    again = mail.stage.client()
    assert await again.ask('{"cmd":"ack_turn"}') == {"kind": "ok", "count": 0}


async def test_many_large_messages_are_as_many_as_fit_on_a_line(mail: Mail, bob: Client) -> None:
    bodies = ["x" * 250_000, "\\" * 250_000, "y" * 250_000, "z"]
    await mail.send(*bodies)
    heard: list[str] = []
    while len(heard) < 4:
        await bob.say(MANY)
        line = await bob.hear_line()
        assert line is not None
        assert len(line) <= 1024 * 1024
        rows = json.loads(line)["messages"]
        assert rows
        assert not any(row["redelivered"] for row in rows)
        heard += [row["body"] for row in rows]
    assert heard == bodies


@pytest.mark.parametrize("wait", ["", ',"wait_seconds":0'])
async def test_batches_sent_ahead_that_do_not_fit_come_in_order_and_none_is_empty(
    mail: Mail, bob: Client, wait: str
) -> None:
    await mail.send(*["x" * 262_000] * 8)
    await bob.say(*[f'{{"cmd":"recv","max":{most}{wait}}}' for most in (4, 4, 8)])
    batches = [(await bob.hear())["messages"] for _ in range(3)]
    while sum(len(rows) for rows in batches) < 8:
        batches.append((await bob.ask(f'{{"cmd":"recv","max":8{wait}}}'))["messages"])
    assert len(batches[0]) == 3  # four of them are a line and some bytes
    assert all(batches)
    assert [row["id"] for rows in batches for row in rows] == [1, 2, 3, 4, 5, 6, 7, 8]
    assert not any(row["redelivered"] for rows in batches for row in rows)


@pytest.mark.parametrize("form", [RECV, '{"cmd":"recv","wait_seconds":0,"max":1}'])
async def test_what_our_own_buffer_still_held_when_a_peer_left_comes_again_marked(
    mail: Mail, bob: Client, form: str
) -> None:
    """It had read all that the kernel held, and so little was left that reading from it was never paused."""
    await mail.send(*["x" * 60_000] * 8)
    conversation = await mail.stage.met()
    handed = 0
    while not conversation._peer.owed():
        handed += 1
        await bob.say(form)
        while len(conversation._slots.unread) < handed:
            await turn()
        for _ in range(3):
            await turn()  # what the kernel takes, it has now
    assert not conversation._brake.unread
    drain(bob)
    bob.leave()
    await mail.reach(*[(QUEUED, True, 0)] * handed, *[(QUEUED, False, 0)] * (8 - handed))
    assert handed > 1


async def test_an_end_in_good_order_does_not_settle_what_our_own_buffer_still_holds(mail: Mail, bob: Client) -> None:
    await mail.send("x" * 262_000)
    await bob.say(RECV)
    conversation = await mail.stage.met()
    while not (conversation._slots.unread and conversation._peer.owed()):
        await turn()
    drain(bob)
    conversation.transport.connectionLost(Failure(ConnectionDone()))
    await mail.reach((QUEUED, True, 0))


def drain(client: Client) -> None:
    """Read all that the kernel holds, without letting the reactor write more."""
    with contextlib.suppress(BlockingIOError):
        while client.socket.recv(65536):
            pass


async def test_a_message_that_fills_a_line_alone_is_handed_out_alone(mail: Mail, bob: Client) -> None:
    await mail.send("\0" * 262_144, "one")
    assert len((await bob.ask(MANY))["messages"]) == 1
    assert [row["body"] for row in (await bob.ask(MANY))["messages"]] == ["one"]


async def test_what_an_agent_says_of_itself(mail: Mail, bob: Client) -> None:
    assert await bob.ask('{"cmd":"whoami"}') == {
        "kind": "identity", "name": "bob", "role": "agent", "hive": "box", "generation": 1,
    }  # fmt: skip
    assert await bob.ask('{"cmd":"set_status","text":"reading"}') == {"kind": "ok"}
    assert await bob.ask('{"cmd":"operator_msg","body":"hi"}') == {"kind": "ok", "id": 1}
    row = (await bob.ask('{"cmd":"recent","limit":5}'))["rows"][0]
    assert (row["from"], row["via"]) == ("operator", "self")
    assert (await bob.ask(RECV))["via"] == "self"
    assert await bob.ask('{"cmd":"send","to":"*","body":"hi"}') == {"kind": "ok", "ids": [2, 3]}
    assert await bob.ask('{"cmd":"ask_operator","question":"so?"}') == {"kind": "question_queued", "id": 1}
    assert (await bob.ask('{"cmd":"get_open_threads"}'))["rows"][0]["kind"] == "question"
    assert await bob.ask('{"cmd":"answer","id":1,"answer":"x"}') == {
        "kind": "err", "message": "question 1 was put to the operator, who alone can answer it",
    }  # fmt: skip


async def test_a_hundred_peers_that_come_and_go_lose_nothing(mail: Mail) -> None:
    """Half of them leave before they read; whatever they do, each message is done once, in order."""
    await mail.send(*[str(number) for number in range(40)])
    done: list[str] = []
    while len(done) < 40:
        client = mail.stage.client()
        await client.say(RECV)
        if len(mail.stage.conversations) % 2:
            while not client.has_heard():
                await turn()
            client.leave()
            await mail.stage.gone(await mail.stage.met(len(mail.stage.conversations)))
            continue
        done.append((await client.hear())["body"])
        client.leave()
    assert done == [str(number) for number in range(40)]
