"""A turn's stream on its way to the daemon: batches, cuts, and a daemon that is away."""

from __future__ import annotations

import pytest
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock

from hyperhive.agent.stream import BATCH_BYTES, CUT, MOST_LINES, Stream, cut
from hyperhive.limits import MAX_LINE
from hyperhive.wire.codec import AGENT
from hyperhive.wire.fields import EVENT_BYTES, MOST_EVENTS
from hyperhive.wire.turn_requests import TurnEvents
from tests.agent.scripted import ScriptedDaemon


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def daemon() -> ScriptedDaemon:
    return ScriptedDaemon()


@pytest.fixture
def stream(clock: Clock, daemon: ScriptedDaemon) -> Stream:
    return Stream(clock, daemon, 4)


def close(stream: Stream) -> Deferred[None]:
    return Deferred.fromCoroutine(stream.close())


def test_lines_wait_half_a_second_for_others_and_go_together(
    clock: Clock, daemon: ScriptedDaemon, stream: Stream
) -> None:
    stream.hear("one")
    clock.advance(0.4)
    stream.hear("two")
    assert daemon.asked == []
    clock.advance(0.1)
    stream.hear("three")
    clock.advance(0.5)
    assert daemon.asked == [TurnEvents(4, 1, ("one", "two")), TurnEvents(4, 3, ("three",))]
    assert clock.getDelayedCalls() == []


def test_as_many_lines_as_one_request_takes_go_at_once(daemon: ScriptedDaemon, stream: Stream) -> None:
    for number in range(MOST_EVENTS):
        stream.hear(str(number))
    assert daemon.asked == [TurnEvents(4, 1, tuple(map(str, range(MOST_EVENTS))))]


def test_what_is_left_goes_when_the_turn_ends(clock: Clock, daemon: ScriptedDaemon, stream: Stream) -> None:
    stream.hear("one")
    assert close(stream).called
    assert daemon.asked == [TurnEvents(4, 1, ("one",))]
    assert clock.getDelayedCalls() == []


@pytest.mark.parametrize("line", ["x" * (EVENT_BYTES + 1), "ü" * EVENT_BYTES, "\ud800" * EVENT_BYTES * 2])
def test_a_line_that_is_too_long_is_cut_and_says_so(line: str) -> None:
    text, size = cut(line)
    assert len(text.encode()) == size <= EVENT_BYTES
    assert size > EVENT_BYTES - 4
    assert text.endswith(CUT)


def test_a_line_as_long_as_may_be_is_whole() -> None:
    assert cut("x" * EVENT_BYTES) == ("x" * EVENT_BYTES, EVENT_BYTES)


def test_the_worst_batch_fits_into_one_line_of_the_wire(daemon: ScriptedDaemon, stream: Stream) -> None:
    for _ in range(6):
        stream.hear("\1" * EVENT_BYTES)
    close(stream)
    assert [request.first for request in daemon.asked] == [1, 3, 5]
    for request in daemon.asked:
        assert sum(len(event) for event in request.events) <= BATCH_BYTES
        assert len(AGENT.line_of_request(request)) < MAX_LINE


def test_while_the_daemon_is_away_lines_are_kept_up_to_a_bound_and_what_is_missing_is_told(
    clock: Clock, daemon: ScriptedDaemon, stream: Stream
) -> None:
    daemon.away = True
    for number in range(2 * MOST_LINES):
        stream.hear(str(number))
    over = close(stream)
    assert not over.called
    daemon.come_back()
    assert over.called
    lines = [event for request in daemon.asked for event in request.events]
    kept = MOST_EVENTS + MOST_LINES  # a first batch was on its way already
    assert lines[:kept] == [str(number) for number in range(kept)]
    missing = 2 * MOST_LINES - kept
    assert lines[kept:] == [f"[hive-agent: {missing} lines are missing here, as the daemon was away]"]
    firsts = [request.first for request in daemon.asked]
    assert firsts == [1 + sum(len(request.events) for request in daemon.asked[:n]) for n in range(len(firsts))]


def test_bytes_are_bounded_too(daemon: ScriptedDaemon, stream: Stream) -> None:
    daemon.away = True
    for _ in range(100):
        stream.hear("x" * EVENT_BYTES)
    assert stream._bytes <= 1024 * 1024
    stream.abandon()


def test_a_stream_that_is_refused_is_lost_and_said_once(
    clock: Clock, daemon: ScriptedDaemon, stream: Stream, said: list[str]
) -> None:
    daemon.refusals[TurnEvents] = "turn 4 has ended"
    stream.hear("one")
    clock.advance(0.5)
    stream.hear("two")
    clock.advance(0.5)
    assert close(stream).called
    assert said == ["the rest of turn 4's stream is lost: turn 4 has ended"]
    assert len(daemon.asked) == 1


def test_an_abandoned_stream_leaves_nothing_behind(clock: Clock, daemon: ScriptedDaemon, stream: Stream) -> None:
    stream.hear("one")
    stream.abandon()
    stream.hear("two")
    assert clock.getDelayedCalls() == []
    assert daemon.asked == []
