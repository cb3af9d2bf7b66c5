"""Which agents of the `local` backend run: found by their keepers once, and watched to their ends from then on."""

from __future__ import annotations

import os
from collections.abc import Callable, Coroutine, Mapping
from typing import Any, ClassVar

from attrs import define, field
from twisted.internet import defer
from twisted.internet.defer import Deferred, DeferredLock
from twisted.internet.interfaces import IReactorFDSet, IReactorThreads, IReactorTime
from twisted.internet.task import deferLater
from twisted.logger import Logger
from twisted.python.failure import Failure

from hyperhive.boundaries import Running
from hyperhive.containers import pidfd, search
from hyperhive.containers.keeping import KILL_SECONDS, START_SECONDS, Kept
from hyperhive.containers.pidfd import Watched
from hyperhive.containers.records import Run, read_cause
from hyperhive.containers.session import Session, kill_session
from hyperhive.errors import ContainerError
from hyperhive.layout import Layout
from hyperhive.threads import in_thread

LOOK_AGAIN_SECONDS = 0.02


class IReactor(IReactorFDSet, IReactorThreads, IReactorTime):
    """What of a reactor is needed to find keepers and to watch them."""


@define(eq=False)
class Keepers:
    """The keepers of a hive's agents, and with them what of the agents runs."""

    _log: ClassVar[Logger] = Logger()

    _reactor: IReactor
    _layout: Layout

    _kept: dict[str, Kept] = field(init=False, factory=dict)
    _recovering: DeferredLock = field(init=False, factory=DeferredLock)
    _recovered: bool = field(init=False, default=False)
    _first_look: Deferred[None] | None = field(init=False, default=None)
    _closed: bool = field(init=False, default=False)
    _hint: Callable[[], None] = field(init=False, default=lambda: None)

    def watch(self, hint: Callable[[], None]) -> None:
        """Begin to observe; call `hint` whenever some agent may have ended. The truth is `running()`."""
        self._hint = hint
        self._closed = False
        self._first_look = self._in_background(self.recover())

    def close(self) -> None:
        """Stop observing; touches no agent."""
        if self._first_look is not None:
            self._first_look.cancel()
        self._hint = lambda: None
        self._closed = True
        kept, self._kept = self._kept, {}
        for one in kept.values():
            one.close()
        self._recovered = False

    async def running(self) -> Mapping[str, Running]:
        """Every agent whose keeper is alive at this moment; no process list is read for it but the first time."""
        await self.recover()
        return {
            name: Running(generation=kept.run.generation, since=kept.run.since, pid=kept.run.leader)
            for name, kept in self._kept.items()
            if kept.keeper.alive()
        }

    def sessions(self) -> dict[str, Session]:
        """The session of every agent whose keeper is known to be alive, by name."""
        return {name: kept.run.session for name, kept in self._kept.items() if kept.keeper.alive()}

    async def alive(self, name: str) -> Kept | None:
        """The agent if it runs; one that is just ending is waited for."""
        await self.recover()
        kept = self._kept.get(name)
        if kept is None or kept.keeper.alive():
            return kept
        await kept.when_gone()
        return None

    def keep(self, name: str, run: Run, descriptor: int) -> None:
        """Watch the keeper of that start, by a descriptor that is ours from here on."""
        if self._closed:
            os.close(descriptor)
            return
        self._kept[name] = kept = Kept(name, run)
        kept.keeper = Watched(self._reactor, descriptor, lambda: self._keeper_ended(kept))

    async def recover(self) -> None:
        """Find the agents that run already, once. Raises ContainerError when closed."""
        async with self._recovering:
            patience = self._reactor.seconds() + START_SECONDS
            while not self._recovered:
                if self._closed:
                    raise ContainerError("the daemon is ending, and does nothing to agents any more")
                findings = await in_thread(self._reactor, search.search, self._layout)
                adopted = [self._adopt(name, run) for name, run in findings.running.items()]
                if all(adopted) and not findings.unsettled:
                    self._recovered = True
                elif self._reactor.seconds() < patience:
                    await deferLater(self._reactor, LOOK_AGAIN_SECONDS)
                else:
                    for keeper in findings.unsettled.values():
                        search.kill_keeper(*keeper)
                    self._recovered = True

    def _adopt(self, name: str, run: Run) -> bool:
        """Whether the agent that was found is watched now; it may have ended meanwhile."""
        if name not in self._kept:
            descriptor = pidfd.open_process(run.keeper, run.keeper_started)
            if descriptor is None:
                return False
            self.keep(name, run, descriptor)
        return True

    def _keeper_ended(self, kept: Kept) -> None:
        kept.burial = self._in_background(self._bury(kept))

    async def _bury(self, kept: Kept) -> None:
        """A keeper that was killed has left the agent's session to us."""
        survivors: list[int] = []
        try:
            if read_cause(self._layout.runtime(kept.name), kept.run.generation) is None:
                survivors = await in_thread(self._reactor, kill_session, kept.run.session, KILL_SECONDS, {})
        finally:
            if self._kept.get(kept.name) is kept:
                del self._kept[kept.name]
            self._hint()
            kept.gone(survivors)

    def _in_background(self, work: Coroutine[Deferred[Any], Any, None]) -> Deferred[None]:
        """What goes on until it is done or `close` cancels it."""

        def complain(why: Failure) -> None:
            if not why.check(defer.CancelledError):
                self._log.failure("the local backend lost sight of its agents", failure=why)

        return Deferred.fromCoroutine(work).addErrback(complain)
