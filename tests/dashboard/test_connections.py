"""Connections that read nothing, ask nothing, or are too many: each has an end, and none keeps out who is let in."""

from __future__ import annotations

import socket
from typing import Any

import pytest
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.python.failure import Failure
from twisted.web.resource import Resource

from hyperhive.dashboard.channel import IDLE, LINGER, MOST_BROWSERS, Channel, Request, Site
from tests.daemon.client import PATIENCE
from tests.daemon.harness import Hive
from tests.dashboard.console import FREE, Console

ASKED = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
LONG = b"x" * 40_000


class Wire(StringTransport):
    """A connection whose other side reads nothing: it is full after 64 KiB."""

    aborted = False

    def write(self, data: bytes) -> None:
        super().write(data)
        if len(self.value()) > 65_536 and self.producer is not None:
            self.producer.pauseProducing()

    def unregisterProducer(self) -> None:
        self.producer = None

    def abortConnection(self) -> None:
        self.aborted = True


class Answers(Resource):
    """Whatever is asked has the same long answer; `let_in` says whether who asks has a session."""

    isLeaf = True
    let_in = False

    def render(self, request: Any) -> bytes:
        """The answer."""
        if self.let_in:
            request.is_let_in()
        return LONG


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def answers() -> Answers:
    return Answers()


@pytest.fixture
def site(clock: Clock, answers: Answers) -> Site:
    site = Site(clock)
    site.resource = answers
    return site


def connected(site: Site) -> tuple[Channel, Wire]:
    """A new connection, and its wire."""
    channel, wire = site.buildProtocol(None), Wire()
    assert channel is not None
    channel.makeConnection(wire)
    return channel, wire


def test_a_connection_that_asks_nothing_is_closed_and_then_cut(site: Site, clock: Clock) -> None:
    _, wire = connected(site)
    clock.advance(IDLE)
    assert (wire.disconnecting, wire.aborted) == (True, False)
    clock.advance(LINGER)
    assert wire.aborted


@pytest.mark.parametrize("request_", [ASKED, ASKED * 150, b"GET / HTTP/1.0\r\nHost: x\r\n\r\n", b"nonsense\r\n\r\n"])
def test_a_connection_on_which_no_answer_is_read_is_cut(site: Site, clock: Clock, request_: bytes) -> None:
    channel, wire = connected(site)
    channel.dataReceived(request_)
    clock.pump([IDLE, LINGER])
    assert wire.aborted


def test_a_connection_that_ends_in_time_is_not_cut(site: Site, clock: Clock) -> None:
    channel, wire = connected(site)
    clock.advance(IDLE)
    channel.connectionLost(Failure(ConnectionError()))
    clock.advance(LINGER)
    assert not wire.aborted
    assert not clock.getDelayedCalls()


def test_who_asks_on_and_reads_nothing_has_few_answers_made(site: Site) -> None:
    channel, wire = connected(site)
    channel.dataReceived(ASKED * 1000)
    assert wire.value().count(b"HTTP/1.1 200") == 2
    assert wire.disconnecting


def test_who_asks_once_for_what_is_long_is_answered_and_may_ask_again(site: Site) -> None:
    channel, wire = connected(site)
    for _ in range(3):
        channel.dataReceived(ASKED)
    assert wire.value().count(b"HTTP/1.1 200") == 3
    assert not wire.disconnecting


def test_where_there_are_too_many_the_stranger_who_came_first_makes_room(site: Site, answers: Answers) -> None:
    answers.let_in = True
    operator, own = connected(site)
    operator.dataReceived(ASKED)
    answers.let_in = False
    strangers = [connected(site)[1] for _ in range(MOST_BROWSERS)]
    assert [wire.aborted for wire in strangers] == [True] + [False] * (MOST_BROWSERS - 1)
    assert not own.aborted
    assert len(site.channels) == MOST_BROWSERS


def test_where_all_are_let_in_there_is_no_room_for_one_more(site: Site, answers: Answers) -> None:
    answers.let_in = True
    for _ in range(MOST_BROWSERS):
        connected(site)[0].dataReceived(ASKED)
    assert site.buildProtocol(None) is None


def test_strangers_who_hold_all_connections_do_not_keep_the_operator_out(hive: Hive) -> None:
    hive.start(*FREE)
    console = Console.opened(hive)
    port = int(console.host.rpartition(":")[2])
    held = [socket.create_connection(("127.0.0.1", port), PATIENCE) for _ in range(MOST_BROWSERS + 10)]
    assert console.get("/").status == 200
    with socket.create_connection(("127.0.0.1", port), PATIENCE) as own:
        cookie = f"Cookie: hive-session={console.key}"
        asked = f"GET / HTTP/1.1\r\nHost: {console.host}\r\n{cookie}\r\n\r\n".encode()
        own.sendall(asked)
        assert own.recv(12) == b"HTTP/1.1 200"
        held += [socket.create_connection(("127.0.0.1", port), PATIENCE) for _ in range(MOST_BROWSERS + 10)]
        own.sendall(asked.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
        assert own.makefile("rb").read().count(b"HTTP/1.1 200") == 1
    for connection in held:
        connection.close()


def test_who_is_let_in_may_have_gone_by_then(site: Site) -> None:
    channel, _ = connected(site)
    request: Any = Request(channel)
    request.channel = None
    request.is_let_in()
