"""The line to the daemon where a question is given up."""

from __future__ import annotations

from typing import Any

import pytest
from twisted.internet.defer import CancelledError, Deferred

from hyperhive.agent.link import Link
from hyperhive.wire.agent_requests import Recv, Renew
from hyperhive.wire.responses import Identity
from tests.agent.small_hive import SmallHive


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
