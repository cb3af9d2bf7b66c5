"""The line to the daemon: outages, and questions that are given up."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from twisted.internet.defer import CancelledError, Deferred

from hyperhive.agent.link import Link
from hyperhive.wire.agent_requests import Recv, Renew, Whoami
from hyperhive.wire.responses import Identity
from tests.agent.small_hive import SmallHive


class Impatience:
    """Tries to connect without a pause; `fifth` fires after the fifth failure in a row."""

    def __init__(self, reactor: Any) -> None:
        self._reactor = reactor
        self.fifth: Deferred[None] = Deferred()

    def __call__(self, failures: int) -> float:
        if failures == 5:
            self._reactor.callLater(0, self.fifth.callback, None)
        return 0.0


class NeverAgain:
    """A pause before the next try that no test should see."""

    def __call__(self, failures: int) -> float:
        raise AssertionError(failures)


async def test_a_question_that_is_given_up_costs_a_connection_and_neither_a_pause_nor_a_line_of_the_log(
    reactor: Any, hive: SmallHive, said: list[str]
) -> None:
    link = Link(reactor, hive.path, NeverAgain())
    link.start()
    waiting = Deferred.fromCoroutine(link.ask(Recv(180, 1)))
    await hive.until(hive.parked)
    waiting.cancel()
    with pytest.raises(CancelledError):
        await waiting
    await link.ask(Renew())
    assert not hive.parked()
    assert len(hive.connections) == 1
    await link.stop()
    assert said == ["connected as alice (agent) of testhive, start 3"]


async def test_mail_that_comes_when_the_wait_for_it_was_given_up_is_handed_out_once(
    reactor: Any, hive: SmallHive
) -> None:
    link = Link(reactor, hive.path)
    link.start()
    waiting = Deferred.fromCoroutine(link.ask(Recv(180, 1)))
    await hive.until(hive.parked)
    waiting.cancel()
    waiting.addErrback(lambda failure: failure.trap(CancelledError) and None)
    await link.ask(Renew())
    hive.deliver("bob", "hello")
    letters = (await link.ask(Recv(180, 1))).messages
    assert [letter.body for letter in letters] == ["hello"]
    await link.stop()


async def test_whom_a_line_speaks_for_is_known_once_it_is_connected(reactor: Any, hive: SmallHive) -> None:
    link = Link(reactor, hive.path)
    asking = Deferred.fromCoroutine(link.whoami())
    assert not asking.called
    link.start()
    assert await asking == Identity("alice", "agent", "testhive", 3)
    await link.stop()


async def test_a_silent_line_logs_nothing(reactor: Any, hive: SmallHive, said: list[str]) -> None:
    link = Link(reactor, hive.path, lambda _: 0.0, silent=True)
    link.start()
    await link.ask(Renew())
    await hive.close()
    hive.open()
    await link.ask(Renew())
    await link.stop()
    assert said == []


async def test_an_outage_is_logged_once_and_its_end_too(reactor: Any, hive: SmallHive, said: list[str]) -> None:
    retry = Impatience(reactor)
    link = Link(reactor, hive.path, retry)
    link.start()
    await link.ask(Renew())
    await hive.close()
    await retry.fifth
    hive.open()
    await link.ask(Renew())
    await link.stop()
    assert said == [
        "connected as alice (agent) of testhive, start 3",
        "the daemon closed the connection; trying until it is back",
        "connected as alice (agent) of testhive, start 3",
    ]


async def test_a_missing_daemon_is_logged_once_with_its_path(reactor: Any, said: list[str], tmp_path: Path) -> None:
    retry = Impatience(reactor)
    link = Link(reactor, str(tmp_path / "none"), retry)
    link.start()
    await retry.fifth
    await link.stop()
    assert said == [f"no daemon answers at {tmp_path / 'none'}: No such file or directory; trying until it works"]


async def test_a_link_that_is_stopped_while_it_connects_is_stopped(reactor: Any, hive: SmallHive) -> None:
    link = Link(reactor, hive.path)
    over = link.start()  # a Unix socket is connected in the reactor's next turn
    await link.stop()
    await over


async def test_a_daemon_that_does_not_say_who_we_are_is_tried_again(
    reactor: Any, hive: SmallHive, said: list[str]
) -> None:
    hive.refusals[Whoami] = "64 connections are open on this socket"
    link = Link(reactor, hive.path, Impatience(reactor))
    link.start()
    await hive.until(lambda: hive.asked.count(Whoami()) == 3)
    del hive.refusals[Whoami]
    await link.ask(Renew())
    await link.stop()
    assert said[0] == "64 connections are open on this socket; trying until it works"
    assert len(said) == 2
