"""The feed: numbered, bounded, and honest about what it no longer has."""

from __future__ import annotations

import pytest

from hyperhive.services.feed import Feed, Gap, Kind
from tests.bench import Bench


def keys(feed: Feed, after: int) -> list[int | str]:
    return [entry.key for entry in feed.after(after)]


def test_changes_are_numbered_without_a_hole() -> None:
    feed = Feed(5.0)
    start = feed.seq
    for key in range(3):
        feed.publish(Kind.MESSAGE, key)
    assert [entry.seq for entry in feed.after(start)] == [start + 1, start + 2, start + 3]
    assert keys(feed, start + 1) == [1, 2]
    assert keys(feed, feed.seq) == []


def test_what_is_too_old_is_a_gap() -> None:
    feed = Feed(5.0, length=3)
    start = feed.seq
    for key in range(5):
        feed.publish(Kind.MESSAGE, key)
    with pytest.raises(Gap):
        feed.after(start + 1)
    assert keys(feed, start + 2) == [2, 3, 4]


@pytest.mark.parametrize("number", [0, -1, 2**64 - 1])
def test_a_number_that_was_never_given_out_is_a_gap(number: int) -> None:
    feed = Feed(5.0)
    with pytest.raises(Gap):
        feed.after(number)


def test_a_number_of_an_earlier_daemon_is_a_gap() -> None:
    before = Feed(1000.0)
    for key in range(100):
        before.publish(Kind.MESSAGE, key)
    after = Feed(1001.0)
    with pytest.raises(Gap):
        after.after(before.seq)
    after.publish(Kind.MESSAGE, 1)
    with pytest.raises(Gap):
        after.after(before.seq)


def test_followers_are_told_until_they_leave() -> None:
    feed = Feed(0.0)
    told: list[int] = []
    leave = feed.follow(lambda: told.append(feed.seq))
    feed.publish(Kind.AGENT, "bob")
    leave()
    leave()
    feed.publish(Kind.AGENT, "bob")
    assert told == [1]


def test_a_message_is_published_at_each_of_its_steps(bench: Bench) -> None:
    seen = bench.broker.feed.seq
    bench.send("alice", "bob", "one")
    take = bench.get(bench.receive("bob"))
    bench.broker.settling.read("bob", take.held)
    bench.write_leisurely()
    assert [(entry.kind, entry.key, entry.whose) for entry in bench.broker.feed.after(seen)] == [
        (Kind.MESSAGE, 1, "bob")
    ] * 3
