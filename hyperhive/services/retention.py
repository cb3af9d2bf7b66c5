"""Retention: old mail and old streams of turns are forgotten, a few rows at a time, so that no send waits for it."""

from __future__ import annotations

from functools import partial

from attrs import define, field
from twisted.application.service import Service
from twisted.internet.defer import Deferred
from twisted.internet.task import LoopingCall
from twisted.logger import Logger

from hyperhive.limits import RETENTION_INTERVAL, RETENTION_SECONDS, RETENTION_SLICE, TURN_EVENTS_SECONDS
from hyperhive.services.broker import Broker
from hyperhive.store import mail, turns

_log = Logger()


@define(eq=False)
class Retention(Service):
    """Sweeps at the start and every hour. A named service of the hive."""

    name = "retention"

    _broker: Broker
    _seconds: int = RETENTION_SECONDS
    _loop: LoopingCall = field(init=False)
    _sweeping: Deferred[None] | None = field(default=None, init=False)

    def __attrs_post_init__(self) -> None:
        self._loop = LoopingCall(self._start)
        self._loop.clock = self._broker.clock

    def startService(self) -> None:
        """Begin to sweep."""
        super().startService()
        self._loop.start(RETENTION_INTERVAL, now=True).addErrback(
            lambda reason: _log.failure("what is old is no longer swept", failure=reason)
        )

    async def stopService(self) -> None:
        """Sweep no longer, and wait for the slice that is being swept."""
        super().stopService()
        if self._loop.running:
            self._loop.stop()
        if self._sweeping is not None:
            await self._sweeping

    def _start(self) -> Deferred[None]:
        self._sweeping = Deferred.fromCoroutine(self.sweep()).addErrback(
            lambda reason: _log.failure("what is old could not be swept; it is tried again in an hour", failure=reason)
        )
        return self._sweeping

    async def sweep(self) -> None:
        """Look through the old messages, and what runners wrote in old turns, once, slice by slice."""
        before = self._broker.now() - self._seconds
        after: int | None = 0
        while after is not None and self.running:
            after = await self._broker.database.perform(
                partial(mail.sweep, after=after, before=before, most=RETENTION_SLICE)
            )  # fmt: skip
        await self._sweep_turns()

    async def _sweep_turns(self) -> None:
        before = self._broker.now() - TURN_EVENTS_SECONDS
        after: tuple[int, int] | None = (0, 0)
        while after is not None and self.running:
            after = await self._broker.database.perform(
                partial(turns.sweep, after=after, before=before, most=RETENTION_SLICE)
            )  # fmt: skip
