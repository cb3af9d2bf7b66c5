"""Why a machine ended: asked of the journal when systemd-nspawn, which says it, has ended too."""

from __future__ import annotations

from contextlib import suppress
from typing import ClassVar

from attrs import define
from twisted.internet import defer
from twisted.internet.defer import Deferred
from twisted.logger import Logger

from hyperhive.containers import leader, pidfd, proc
from hyperhive.containers.commands import IReactor as ICommandReactor
from hyperhive.containers.journal import Journal
from hyperhive.containers.pidfd import Watched
from hyperhive.containers.starts import Start
from hyperhive.errors import ContainerError

SUPERVISOR_SECONDS = 1.0


class IReactor(ICommandReactor, leader.IReactor):
    """What of a reactor is needed to wait for a process and to ask the journal."""


@define(eq=False)
class Causes:
    """Finds out how starts ended."""

    _log: ClassVar[Logger] = Logger()

    _reactor: IReactor
    _journal: Journal

    async def of(self, start: Start, unit: str) -> str | None:
        """How the machine of that start, which that unit held, ended; None if it can't be known."""
        if start.boot != proc.boot():
            return "the host was restarted"
        try:
            invocation = start.invocation or await self._journal.last_invocation(unit)
            if invocation in {"", start.before}:
                return None
            await self._supervisor_ended(start)
            return await self._journal.cause(invocation, start.supervisor, start.since)
        except ContainerError as error:
            self._log.error("how {unit} ended can't be read: {error}", unit=unit, error=error)
            return None

    async def _supervisor_ended(self, start: Start) -> None:
        """Wait a moment for the end of systemd-nspawn, which cleans up after its machine."""
        ended: Deferred[None] = Deferred()
        descriptor = pidfd.open_process(start.supervisor, start.supervisor_started) if start.up else None
        if descriptor is not None:
            watched = Watched(self._reactor, descriptor, lambda: ended.callback(None))
            with suppress(defer.TimeoutError):
                await ended.addTimeout(SUPERVISOR_SECONDS, self._reactor)
            watched.close()
