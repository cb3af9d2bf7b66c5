"""Peers that leave before, while or after they read: nothing is lost, and nothing is settled that nobody read."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.daemon.client import Client, line, take_all
from tests.daemon.conftest import short_lived
from tests.daemon.harness import Hive

ONE: dict[str, Any] = {}
SEVERAL: dict[str, Any] = {"max": 32}
forms = pytest.mark.parametrize("form", [ONE, SEVERAL], ids=["one at a time", "in batches"])


@pytest.fixture(scope="module")
def hive() -> Iterator[Hive]:
    """One hive for all of these, with the agents alice and bob."""
    with short_lived() as hive:
        hive.start()
        for name in ("alice", "bob"):
            assert hive.host().ask("spawn", name=name)["ok"]
        yield hive


@pytest.fixture
def bob(hive: Hive) -> Client:
    """A connection of bob's, who has no mail."""
    bob = hive.agent("bob")
    bob.ask("requeue_inflight", spent=False)
    take_all(bob)
    return bob


def post(hive: Hive, *bodies: str) -> list[int]:
    """Mail to bob; its numbers."""
    with hive.agent("alice") as alice:
        return [alice.ask("send", to="bob", body=body)["id"] for body in bodies]


def left(hive: Hive) -> list[tuple[int, bool]]:
    """What bob's next connection is given: numbers, and whether each is marked."""
    return [(row["id"], row["redelivered"]) for row in take_all(hive.agent("bob"))]


@forms
def test_an_answer_that_was_never_read_comes_again_marked_and_in_its_place(
    hive: Hive, bob: Client, form: dict[str, Any]
) -> None:
    ids = post(hive, "first", "second", "third")
    bob.say("recv", **form)
    bob.wait_for_bytes()
    bob.close()
    shown = ids if form else ids[:1]
    assert left(hive) == [(id_, id_ in shown) for id_ in ids]


@forms
def test_an_answer_of_which_the_last_byte_was_not_read_comes_again(
    hive: Hive, bob: Client, form: dict[str, Any]
) -> None:
    ids = post(hive, "only")
    bob.say("recv", **form)
    bob.read(bob.wait_for_bytes() - 1)
    bob.close()
    assert left(hive) == [(ids[0], True)]


@forms
def test_a_large_answer_that_was_half_read_comes_again(hive: Hive, bob: Client, form: dict[str, Any]) -> None:
    ids = post(hive, "x" * 100_000)
    bob.say("recv", **form)
    bob.read(50_000)
    bob.close()
    assert left(hive) == [(ids[0], True)]


@forms
def test_an_answer_larger_than_the_kernels_buffer_is_not_read_when_the_buffer_is(
    hive: Hive, bob: Client, form: dict[str, Any]
) -> None:
    ids = post(hive, *["ä" * 128 * 1024] * 3)
    bob.say("recv", **form)
    held = bob.wait_for_bytes()
    assert held < 256 * 1024
    assert b"\n" not in bob.read(held)
    bob.close()
    shown = ids if form else ids[:1]
    assert left(hive) == [(id_, id_ in shown) for id_ in ids]


def test_a_later_request_does_not_settle_an_answer_that_is_half_read(hive: Hive, bob: Client) -> None:
    ids = post(hive, "x" * 250_000)
    bob.say("recv")
    bob.read(100_000)
    bob.say("whoami")
    assert hive.agent("bob").ask("recv", wait_seconds=0) == {"kind": "empty"}
    bob.close()
    assert left(hive) == [(ids[0], True)]


@forms
def test_who_asks_once_more_and_leaves_has_not_read_the_answer(hive: Hive, bob: Client, form: dict[str, Any]) -> None:
    ids = post(hive, "only")
    bob.say("recv", **form)
    bob.wait_for_bytes()
    with hive.daemons[-1].held_still():
        bob.say("whoami")
        bob.close()
    assert left(hive) == [(ids[0], True)]


def test_a_bare_acknowledgement_leaves_alone_what_a_peer_that_just_left_has_not_read(hive: Hive, bob: Client) -> None:
    ids = post(hive, "only")
    other = hive.agent("bob")
    assert other.ask("status")["kind"] == "status"
    bob.say("recv", max=1)
    bob.wait_for_bytes()
    with hive.daemons[-1].held_still():
        other.say("ack_turn")
        bob.close()
    assert other.hear() == {"kind": "ok", "count": 0}
    assert left(hive) == [(ids[0], True)]


def test_an_answer_larger_than_the_kernels_buffer_that_was_read_is_settled_by_leaving(hive: Hive, bob: Client) -> None:
    post(hive, "ä" * 128 * 1024)
    assert len(bob.ask("recv")["body"]) == 128 * 1024
    bob.close()
    assert left(hive) == []


def test_of_answers_asked_for_ahead_none_is_lost(hive: Hive, bob: Client) -> None:
    ids = post(hive, *(str(number) for number in range(6)))
    bob.write(line("recv") * 4)
    assert bob.hear()["id"] == ids[0]
    bob.wait_for_bytes()
    bob.close()
    again = left(hive)
    assert [id_ for id_, _ in again] in (ids, ids[1:])
    assert (ids[1], True) in again
    assert again[-2:] == [(ids[4], False), (ids[5], False)]


def test_leaving_after_having_read_settles_what_came_one_at_a_time(hive: Hive, bob: Client) -> None:
    ids = post(hive, "first", "second")
    assert bob.ask("recv")["id"] == ids[0]
    bob.close()
    assert left(hive) == [(ids[1], False)]


def test_a_peer_that_leaves_while_it_waits_takes_nothing_with_it(hive: Hive, bob: Client) -> None:
    bob.say("recv", wait_seconds=60)
    bob.close()
    ids = post(hive, "for whoever waits next")
    assert left(hive) == [(ids[0], False)]


@forms
def test_a_peer_that_says_no_more_gets_its_answers_and_the_end(hive: Hive, bob: Client, form: dict[str, Any]) -> None:
    post(hive, "for you")
    bob.write(line("status") + line("recv", **form) + line("recv", wait_seconds=60, **form))
    bob.say_no_more()
    assert bob.hear() == {"kind": "status", "unread": 1}
    assert bob.hear()["kind"] == ("messages" if form else "message")
    assert bob.hear() == ({"kind": "messages", "messages": []} if form else {"kind": "empty"})
    assert bob.hears_the_end()


def test_a_bare_acknowledgement_leaves_alone_what_another_connection_has_not_read(hive: Hive, bob: Client) -> None:
    ids = post(hive, "first", "second")
    other = hive.agent("bob")
    bob.say("recv", max=1)
    bob.wait_for_bytes()
    assert other.ask("recv", max=1)["messages"][0]["id"] == ids[1]
    assert other.ask("ack_turn") == {"kind": "ok", "count": 1}
    bob.close()
    assert left(hive) == [(ids[0], True)]


def test_a_bare_acknowledgement_sent_ahead_settles_nothing(hive: Hive, bob: Client) -> None:
    ids = post(hive, "first", "second")
    bob.write(line("recv", max=32) + line("ack_turn"))
    assert [row["id"] for row in bob.hear()["messages"]] == ids
    assert bob.hear() == {"kind": "ok", "count": 0}
    assert bob.ask("ack_turn") == {"kind": "ok", "count": 2}
    bob.close()
    assert left(hive) == []


def test_a_bare_acknowledgement_sent_after_an_unread_answer_settles_nothing(hive: Hive, bob: Client) -> None:
    ids = post(hive, "only")
    bob.say("recv", max=32)
    bob.wait_for_bytes()
    bob.say("ack_turn")
    assert hive.agent("bob").ask("get_open_threads")["rows"][0]["id"] == ids[0]
    bob.close()
    assert left(hive) == [(ids[0], True)]


def test_a_bare_acknowledgement_leaves_alone_an_answer_that_is_half_read(hive: Hive, bob: Client) -> None:
    ids = post(hive, "x" * 200_000, "y" * 200_000)
    bob.say("recv", max=2)
    bob.read(250_000)
    assert hive.agent("bob").ask("ack_turn") == {"kind": "ok", "count": 0}
    bob.close()
    assert left(hive) == [(id_, True) for id_ in ids]


def test_what_was_read_in_a_batch_stays_the_agents_when_its_connection_ends(hive: Hive, bob: Client) -> None:
    ids = post(hive, "first", "second")
    assert len(bob.ask("recv", max=32)["messages"]) == 2
    bob.close()
    other = hive.agent("bob")
    assert other.ask("recv", wait_seconds=0) == {"kind": "empty"}
    assert other.ask("ack_turn", ids=ids[:1]) == {"kind": "ok", "count": 1}
    assert other.ask("ack_turn") == {"kind": "ok", "count": 1}
