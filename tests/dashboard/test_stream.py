"""One stream, and a browser that does not keep up."""

from __future__ import annotations

from typing import Any

import pytest
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock

from hyperhive.dashboard.stream import LONGEST_STALL, Stream
from hyperhive.services.feed import Feed, Kind


class Browser:
    """What a stream writes to."""

    def __init__(self) -> None:
        self.heard: list[str] = []
        self.aborted = False
        self.finished = False
        self.channel = self

    def setHeader(self, name: bytes, value: bytes) -> None:
        pass

    def registerProducer(self, producer: Any, streaming: object) -> None:
        assert streaming is True

    def unregisterProducer(self) -> None:
        pass

    def notifyFinish(self) -> Deferred[None]:
        return Deferred()

    def write(self, data: bytes) -> None:
        self.heard += [line.removeprefix("event: ") for line in data.decode().splitlines() if line.startswith("event")]

    def finish(self) -> None:
        self.finished = True

    def forceAbortClient(self) -> None:
        self.aborted = True


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def feed() -> Feed:
    return Feed(1.0, length=3)


@pytest.fixture
def browser() -> Browser:
    return Browser()


@pytest.fixture
def stream(browser: Browser, feed: Feed, clock: Clock) -> Stream:
    made = Stream(browser, feed, clock)
    made.begin(None, None)
    assert browser.heard == ["hello"]
    browser.heard.clear()
    return made


def changes(feed: Feed, clock: Clock, count: int) -> None:
    for number in range(count):
        feed.publish(Kind.MESSAGE, number)
    clock.advance(0)


def test_what_changes_at_once_is_told_once(stream: Stream, browser: Browser, feed: Feed, clock: Clock) -> None:
    changes(feed, clock, 3)
    assert browser.heard == ["change"]
    stream.end()
    assert browser.finished


def test_a_browser_that_catches_up_is_told_once_of_all_that_it_missed(
    stream: Stream, browser: Browser, feed: Feed, clock: Clock
) -> None:
    stream.pauseProducing()
    for _ in range(3):
        changes(feed, clock, 1)
    stream.live()
    assert browser.heard == []
    stream.resumeProducing()
    assert browser.heard == ["change"]


def test_a_browser_that_missed_more_than_is_remembered_is_told_so(
    stream: Stream, browser: Browser, feed: Feed, clock: Clock
) -> None:
    stream.pauseProducing()
    changes(feed, clock, 4)
    stream.resumeProducing()
    assert browser.heard == ["resync"]
    changes(feed, clock, 1)
    assert browser.heard == ["resync", "change"]


def test_a_browser_that_reads_nothing_for_long_is_given_up(stream: Stream, browser: Browser, clock: Clock) -> None:
    stream.pauseProducing()
    clock.advance(LONGEST_STALL)
    stream.live()
    assert not browser.aborted
    clock.advance(1)
    stream.live()
    assert browser.aborted


def test_after_its_end_nothing_is_written(stream: Stream, browser: Browser, feed: Feed, clock: Clock) -> None:
    feed.publish(Kind.AGENT, "alice")
    stream.end()
    changes(feed, clock, 1)
    stream.live()
    stream.say("trouble", {})
    assert browser.heard == []
