"""Mail to somebody who waits for it: leased as it is written."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from twisted.internet.defer import CancelledError, Deferred

from hyperhive.errors import UnknownAgent
from hyperhive.services.inboxes import Take
from hyperhive.store import agents, mail
from hyperhive.store.mail import Post
from hyperhive.store.message_states import LEASED, QUEUED
from hyperhive.wire.events import Killed
from tests.bench import Bench
from tests.services.test_inboxes import Cranked, bodies


@pytest.fixture
def parked(tmp_path: Path) -> Iterator[tuple[Cranked, Deferred[Take]]]:
    cranked = Cranked(tmp_path)
    waiting = cranked.bench.receive("bob", 1, 30)
    cranked.crank()
    yield cranked, waiting
    waiting.addErrback(lambda reason: reason.trap(CancelledError))
    waiting.cancel()


def states(cranked: Cranked) -> list[tuple[int, int]]:
    """Of every message, its state and whether it is marked: read past the hand-cranked worker."""
    rows = cranked.bench.database._connection.execute("SELECT state, redelivered FROM messages ORDER BY id")
    return list(rows)


def test_it_is_leased_and_told_by_one_commit(parked: tuple[Cranked, Deferred[Take]]) -> None:
    cranked, waiting = parked
    cranked.send("one")
    cranked.bench.settle()
    assert len(cranked.worker.jobs) == 1
    cranked.crank()
    assert bodies(waiting) == ["one"]
    assert states(cranked) == [(LEASED, 0)]


def test_the_next_ones_keep_their_order(parked: tuple[Cranked, Deferred[Take]]) -> None:
    cranked, first = parked
    second = cranked.bench.receive("bob", 1, 30)
    third = cranked.bench.receive("bob", 9, 30)
    for body in ("one", "two", "three", "four"):
        cranked.send(body)
    cranked.crank()
    assert [bodies(first), bodies(second), bodies(third)] == [["one"], ["two"], ["three", "four"]]


def test_who_leaves_before_the_commit_leaves_it_to_the_next_unmarked(parked: tuple[Cranked, Deferred[Take]]) -> None:
    cranked, first = parked
    cranked.send("one")
    cranked.bench.settle()
    first.addErrback(lambda reason: reason.trap(CancelledError))
    first.cancel()
    cranked.send("two")
    second = cranked.bench.receive("bob", 9, 30)
    cranked.crank()
    third = cranked.bench.receive("bob", 9, 30)
    cranked.crank()
    assert [bodies(second), bodies(third)] == [["one"], ["two"]]
    assert states(cranked) == [(LEASED, 0), (LEASED, 0)]


def test_an_event_of_the_same_commit_comes_first(parked: tuple[Cranked, Deferred[Take]]) -> None:
    cranked, waiting = parked
    told: list[list[int]] = []
    event = Killed("alice")
    cranked.bench.database.perform(lambda connection: mail.tell(connection, "bob", event, 1)).addCallback(told.append)
    cranked.send("one")
    cranked.crank()
    assert bodies(waiting) == ['{"event":"killed","agent":"alice"}']
    assert states(cranked) == [(LEASED, 0), (QUEUED, 0)]


def test_a_paused_agent_is_handed_nothing(parked: tuple[Cranked, Deferred[Take]]) -> None:
    cranked, waiting = parked
    cranked.bench.database.perform(lambda connection: agents.set_paused(connection, "bob", paused=True))
    cranked.send("one")
    cranked.crank()
    assert bodies(waiting) is None
    assert states(cranked) == [(QUEUED, 0)]


def test_a_message_that_could_not_be_sent_leaves_the_receiver_waiting(parked: tuple[Cranked, Deferred[Take]]) -> None:
    cranked, waiting = parked
    cranked.bench.database.perform(lambda connection: agents.is_destroyed(connection, "bob"))
    refused = cranked.bench.broker.send(Post(sender="alice", to="bob", body="lost", at=1))
    cranked.crank()
    refused.addErrback(lambda reason: reason.trap(UnknownAgent))
    assert bodies(waiting) is None
    cranked.bench.database.perform(lambda connection: agents.is_running(connection, "bob"))
    cranked.send("one")
    cranked.crank()
    assert bodies(waiting) == ["one"]


def test_the_counters_of_the_inbox_stay_true(bench: Bench) -> None:
    waiting = bench.receive("bob", 1, 30)
    bench.settle()
    bench.send("alice", "bob", "one")
    bench.send("alice", "bob", "two")
    assert bodies(waiting) == ["one"]
    assert bench.get(bench.broker.unread("bob")) == 1
