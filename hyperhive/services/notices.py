"""Notices: a word to the operator, who is elsewhere, when something comes to need a person.

A notice says of whom and of what kind something is, and never what anybody wrote.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable, Iterator
from typing import Final

from attrs import define, field, frozen
from twisted.application.service import Service
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.internet.task import deferLater
from twisted.logger import Logger

from hyperhive.errors import HiveError
from hyperhive.services.changes import Changes
from hyperhive.services.feed import Gap
from hyperhive.wire.needs import is_dead, is_down, is_for_operator, is_undecided
from hyperhive.wire.records import Change

_log = Logger()

SOON: Final = 1.0
"""Seconds in which further changes join the first."""
MOST_WAITING: Final = 100
"""Notices that wait to be sent; beyond that the oldest is dropped, as who is told so much looks anyway."""
TRIES: Final = 8
LONGEST_PAUSE: Final = 300.0


@frozen
class Notice:
    """What is told: a title, one sentence, and the page of the console that it is about, as a path."""

    title: str
    text: str
    path: str


class NotSent(Exception):
    """A notice could not be handed over; the text says why."""


@define(eq=False)
class Notices(Service):
    """Tells by `send`, once of each thing that comes to need somebody. A named service of the hive."""

    name = "notices"

    _changes: Changes
    _clock: IReactorTime
    _send: Callable[[Notice], Awaitable[None]]
    _needing: set[Notice] = field(factory=set, init=False)
    _waiting: deque[Notice] = field(factory=lambda: deque(maxlen=MOST_WAITING), init=False)
    _seq: int = field(default=0, init=False)
    _planned: IDelayedCall | None = field(default=None, init=False)
    _sending: Deferred[None] | None = field(default=None, init=False)
    _unfollow: Callable[[], None] = field(default=lambda: None, init=False)

    def startService(self) -> None:
        """Tell of what comes to need somebody from now on."""
        super().startService()
        self._seq = self._changes.feed.seq
        self._unfollow = self._changes.feed.follow(self._look_soon)

    async def stopService(self) -> None:
        """Tell no more; what waits is dropped."""
        super().stopService()
        self._unfollow()
        if self._planned is not None and self._planned.active():
            self._planned.cancel()
        self._waiting.clear()
        if self._sending is not None:
            self._sending.cancel()

    def _look_soon(self) -> None:
        if self.running and (self._planned is None or not self._planned.active()):
            self._planned = self._clock.callLater(SOON, self._begin_to_look)

    def _begin_to_look(self) -> None:
        Deferred.fromCoroutine(self._look()).addErrback(
            lambda reason: None if reason.check(HiveError) else _log.failure("no notice could be made", failure=reason)
        )

    async def _look(self) -> None:
        try:
            entries = list(self._changes.feed.after(self._seq))
        except Gap:  # so much has happened that the operator's page says it better
            entries = []
        self._seq = self._changes.feed.seq
        for change in await self._changes.rows(entries):
            for notice, needed in notices_of(change):
                self._judge(notice, needed=needed)

    def _judge(self, notice: Notice, *, needed: bool) -> None:
        """Tell of it if it needs somebody, and did not when it was looked at last."""
        if not needed:
            self._needing.discard(notice)
        elif notice not in self._needing:
            self._needing.add(notice)
            self._waiting.append(notice)
            if self._sending is None and self.running:
                self._sending = Deferred.fromCoroutine(self._send_all())
                self._sending.addErrback(lambda reason: reason.trap(CancelledError) and None)

    async def _send_all(self) -> None:
        try:
            while self._waiting:
                await self._send_one(self._waiting.popleft())
        finally:
            self._sending = None

    async def _send_one(self, notice: Notice) -> None:
        for number in range(1, TRIES + 1):
            try:
                await self._send(notice)
            except NotSent as why:
                if number == TRIES:
                    _log.error("a notice was given up after {tries} tries: {why}", tries=TRIES, why=why)
                    return
                if number == 1:
                    _log.warn("a notice could not be sent; it is tried again: {why}", why=why)
                await deferLater(self._clock, min(2.0**number, LONGEST_PAUSE))
            else:
                return


def notices_of(change: Change) -> Iterator[tuple[Notice, bool]]:
    """What could be told of a change, always in the same words, and whether that needs somebody now."""
    if change.approval is not None:
        one = change.approval
        what = f"{one.kind.value.replace('_', ' ')} of {one.agent} waits for a yes or no"
        yield Notice("An approval waits", what, f"/approvals/{one.id}"), is_undecided(one)
    if change.question is not None:
        asked = change.question
        yield Notice("A question waits", f"{asked.asker} asks", f"/questions/{asked.id}"), is_for_operator(asked)
    if change.message is not None:
        sent = change.message
        text = f"message {sent.id} of {sent.sender} to {sent.recipient} was given up"
        yield Notice("A dead letter", text, f"/mail/{sent.id}"), is_dead(sent)
    if change.agent is not None:
        agent, path = change.agent, f"/agents/{change.agent.name}"
        yield Notice("An agent is down", f"{agent.name} has failed", path), is_down(agent)
        yield Notice("A login is missing", f"{agent.name} is to be logged in", path), agent.needs_login
