"""The crash watch: whoever should run and does not has crashed, and the manager is told at once, once."""

from __future__ import annotations

from attrs import define, field
from twisted.application.service import Service
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import LoopingCall
from twisted.logger import Logger

from hyperhive.boundaries import IContainers
from hyperhive.services.crashes import Crashes, complain

_log = Logger()


@define(eq=False)
class CrashWatch(Service):
    """Compares what should run with what runs: on every hint of the backend, after every operation, and by poll.

    A hint only says when to look. A named service of the hive.
    """

    name = "crash_watch"

    _crashes: Crashes
    _containers: IContainers
    _clock: IReactorTime
    _interval: float
    _looking: Deferred[None] | None = field(default=None, init=False)
    _again: bool = field(default=False, init=False)
    _poll: LoopingCall = field(init=False)

    def __attrs_post_init__(self) -> None:
        self._poll = LoopingCall(self.look)
        self._poll.clock = self._clock

    def startService(self) -> None:
        """Begin to watch."""
        super().startService()
        self._containers.watch(self.look)
        self._poll.start(self._interval, now=True).addErrback(
            lambda reason: _log.failure("the crash watch no longer polls; it looks when it is told to", failure=reason)
        )

    async def stopService(self) -> None:
        """Watch no longer; the agents are left alone."""
        super().stopService()
        if self._poll.running:
            self._poll.stop()
        if self._looking is not None:
            await self._looking

    def look(self) -> None:
        """Look soon, and once more if something happens meanwhile."""
        if self._looking is not None:
            self._again = True
        elif self.running:
            looking: Deferred[None] = Deferred()
            self._looking = looking
            done = Deferred.fromCoroutine(self._crashes.look()).addErrback(complain)
            done.addCallback(lambda _: self._looked(looking))

    def _looked(self, looking: Deferred[None]) -> None:
        self._looking = None
        again, self._again = self._again, False
        if again:
            self.look()
        looking.callback(None)
