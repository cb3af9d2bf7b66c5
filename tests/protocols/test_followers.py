"""Subscriptions: every change in order, at the follower's own pace, and a word where it missed some."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from attrs import define, field
from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from hyperhive.errors import ContainerError
from hyperhive.protocols.followers import follow_agents, follow_all
from hyperhive.services.changes import Changes
from hyperhive.services.feed import Entry, Feed, Kind
from tests.bench import Bench


@define(eq=False)
class FakeStream:
    """Keeps what is written; `keeps_up` says whether the peer reads."""

    written: list[Any] = field(factory=list)
    keeps_up: bool = True
    resume: Callable[[], None] = lambda: None

    def write_answer(self, answer: Any) -> None:
        self.written.append(answer)

    def flows(self) -> bool:
        return self.keeps_up

    def when_it_flows(self, resume: Callable[[], None]) -> None:
        self.resume = resume

    def read_on(self) -> None:
        self.keeps_up = True
        self.resume()


@define(eq=False)
class Rig:
    bench: Bench
    changes: Changes
    stream: FakeStream = field(factory=FakeStream)

    def follow(self, since: int | None = None) -> Callable[[], None]:
        end = follow_all(self.stream, self.changes, self.changes.feed.seq if since is None else since)
        self.bench.settle()
        return end

    def send(self, body: str) -> None:
        self.bench.send("alice", "bob", body)

    def bodies(self) -> list[str]:
        return [answer.change.message.body for answer in self.stream.written if answer.change]


@pytest.fixture
def rig(tmp_path: Path) -> Any:
    bench = Bench(tmp_path)
    bench.add_agents("alice", "bob")
    bench.broker.feed = Feed(bench.clock.seconds(), length=10)
    yield Rig(bench, Changes(bench.broker, bench.roster))
    bench.close()


def test_each_change_is_one_line_with_its_number(rig: Rig) -> None:
    start = rig.changes.feed.seq
    rig.follow()
    rig.send("one")
    rig.send("two")
    assert rig.bodies() == ["one", "two"]
    assert [answer.seq for answer in rig.stream.written] == [start + 1, start + 2]


def test_what_came_since_is_told_first(rig: Rig) -> None:
    start = rig.changes.feed.seq
    rig.send("one")
    rig.follow(start)
    rig.send("two")
    assert rig.bodies() == ["one", "two"]


@pytest.mark.parametrize("since", [0, 2**64 - 1])
def test_who_asks_for_what_is_not_there_is_told_so_and_goes_on(rig: Rig, since: int) -> None:
    rig.follow(since)
    (answer,) = rig.stream.written
    assert (answer.resync, answer.seq) == (True, rig.changes.feed.seq)
    rig.send("one")
    assert rig.bodies() == ["one"]


def test_who_does_not_read_is_not_written_to_and_catches_up(rig: Rig) -> None:
    rig.follow()
    rig.stream.keeps_up = False
    for number in range(5):
        rig.send(str(number))
    assert rig.stream.written == []
    rig.stream.read_on()
    rig.bench.settle()
    assert rig.bodies() == ["0", "1", "2", "3", "4"]


def test_who_is_too_slow_is_told_so(rig: Rig) -> None:
    rig.follow()
    rig.stream.keeps_up = False
    for number in range(20):
        rig.send(str(number))
    rig.stream.read_on()
    rig.bench.settle()
    assert [(answer.resync, answer.seq) for answer in rig.stream.written] == [(True, rig.changes.feed.seq)]
    rig.send("later")
    assert rig.bodies() == ["later"]


def test_who_left_is_written_to_no_more(rig: Rig) -> None:
    end = rig.follow()
    rig.send("one")
    end()
    end()
    rig.send("two")
    rig.stream.resume()
    assert rig.bodies() == ["one"]


def test_who_leaves_during_a_look_is_written_to_no_more(rig: Rig) -> None:
    end = rig.follow()
    rig.bench.broker.told([(1, "bob")])
    end()
    rig.bench.settle()
    assert rig.stream.written == []


@define(eq=False)
class Stuck:
    """Changes of which every look-up waits for the test."""

    feed: Feed = field(factory=lambda: Feed(1.0))
    looks: list[Deferred[Any]] = field(factory=list)

    async def rows(self, entries: Sequence[Entry]) -> Any:
        self.looks.append(Deferred())
        return await self.looks[-1]


@pytest.mark.parametrize("left", [False, True])
def test_a_look_that_fails_is_logged_unless_nobody_follows_any_more(*, left: bool, logged: list[Failure]) -> None:
    stuck, stream = Stuck(), FakeStream()
    changes: Any = stuck
    end = follow_all(stream, changes, stuck.feed.seq)
    stuck.feed.publish(Kind.AGENT, "alice")
    if left:
        end()
    stuck.looks.pop().errback(ContainerError("the daemon is ending"))
    assert [failure.check(ContainerError) for failure in logged] == [ContainerError] * (not left)
    assert [answer.resync for answer in stream.written] == [True] * (not left)
    logged.clear()
    end()


def test_a_message_that_is_gone_is_told_as_gone(rig: Rig) -> None:
    rig.follow()
    rig.bench.broker.told([(77, "bob")])
    rig.bench.settle()
    (answer,) = rig.stream.written
    assert (answer.change.gone, answer.change.id, answer.change.message) == (True, 77, None)


def test_an_agents_status_follows_its_changes(rig: Rig) -> None:
    end = follow_agents(rig.stream, rig.changes)
    rig.send("one")
    rig.bench.get(rig.bench.roster.set_paused("alice", paused=True))
    rows = [answer.agent_statuses for answer in rig.stream.written]
    assert [(len(row), row[0].name, row[0].unread, row[0].paused) for row in rows] == [
        (1, "bob", 1, False), (1, "alice", 0, True)
    ]  # fmt: skip
    end()


def test_an_agents_follower_that_missed_some_is_told_of_all(rig: Rig) -> None:
    end = follow_agents(rig.stream, rig.changes)
    rig.stream.keeps_up = False
    for number in range(20):
        rig.send(str(number))
    rig.stream.read_on()
    rig.bench.settle()
    assert [answer.agent_statuses[0].name for answer in rig.stream.written] == ["alice", "bob"]
    end()
