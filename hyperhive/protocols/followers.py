"""Streams of changes to those who subscribed: each follower goes at its own pace, and is told where it missed some."""

from __future__ import annotations

from collections.abc import Callable
from itertools import islice
from typing import Final

from attrs import define, field
from twisted.internet.defer import Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure

from hyperhive.errors import HiveError
from hyperhive.protocols.answers import Stream
from hyperhive.services.changes import Changes
from hyperhive.services.feed import Gap
from hyperhive.wire.responses import HostResponse

_log = Logger()

SLICE: Final = 64
"""Changes that are looked up at once for one follower."""


def follow_all(stream: Stream, changes: Changes, since: int) -> Callable[[], None]:
    """Write every change after number `since`, as one answer each; returns what ends it."""
    return _Follower(stream, changes, since).begin()


def follow_agents(stream: Stream, changes: Changes) -> Callable[[], None]:
    """Write an agent's status whenever something about the agent changed; returns what ends it."""
    return _AgentFollower(stream, changes, changes.feed.seq).begin()


@define(eq=False)
class _Follower:
    _stream: Stream
    _changes: Changes
    _seq: int
    _busy: bool = field(default=False, init=False)
    _over: bool = field(default=False, init=False)

    def begin(self) -> Callable[[], None]:
        unfollow = self._changes.feed.follow(self._go_on)
        self._stream.when_it_flows(self._go_on)
        self._go_on()

        def end() -> None:
            self._over = True
            unfollow()

        return end

    def _go_on(self) -> None:
        if not (self._busy or self._over) and self._stream.flows() and self._seq != self._changes.feed.seq:
            self._busy = True
            Deferred.fromCoroutine(self._write_some()).addErrback(self._missed).addCallback(self._written)

    def _written(self, _: object) -> None:
        self._busy = False
        self._go_on()

    def _missed(self, reason: Failure) -> None:
        if self._over and reason.check(HiveError):
            return  # as the daemon ends, what it looks things up in does too
        _log.failure("changes could not be looked up for a follower, who is told so", failure=reason)
        self._resync()

    def _resync(self) -> None:
        self._seq = self._changes.feed.seq
        if not self._over:
            self._stream.write_answer(HostResponse(ok=True, resync=True, seq=self._seq))

    async def _write_some(self) -> None:
        try:
            entries = list(islice(self._changes.feed.after(self._seq), SLICE))
        except Gap:
            self._resync()
            return
        self._seq = entries[-1].seq
        rows = await self._changes.rows(entries)
        if not self._over:
            for entry, row in zip(entries, rows, strict=True):
                self._stream.write_answer(HostResponse(ok=True, seq=entry.seq, change=row))


@define(eq=False)
class _AgentFollower(_Follower):
    async def _write_some(self) -> None:
        try:
            names = {entry.whose for entry in self._changes.feed.after(self._seq) if entry.whose is not None}
            self._seq = self._changes.feed.seq
            statuses = await self._changes.statuses(names)
        except Gap:
            self._seq = self._changes.feed.seq
            statuses = await self._changes.statuses(None)
        if not self._over:
            for status in statuses:
                self._stream.write_answer(HostResponse(ok=True, agent_statuses=(status,)))
