"""What the tests over a real socket with real commands share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twisted.internet.defer import CancelledError, DeferredQueue
from twisted.internet.interfaces import IDelayedCall
from twisted.internet.task import Clock
from twisted.python.failure import Failure

from hyperhive.agent.program import Agent
from hyperhive.agent.settings import TURN_SECONDS, Settings
from hyperhive.agent.stream import DELAY
from hyperhive.agent.turn import LONGEST_TURN, RENEWAL

Serve = Callable[..., Agent]


class RecordingClock(Clock):
    """A clock that tells what is put into it, a turn later, when whoever put it there holds it."""

    def __init__(self, reactor: Any) -> None:
        super().__init__()
        self._reactor = reactor
        self.scheduled: DeferredQueue[float] = DeferredQueue()

    def callLater(self, delay: float, callable: Callable[..., object], *args: object, **kw: object) -> IDelayedCall:  # noqa: A002
        call: IDelayedCall = super().callLater(delay, callable, *args, **kw)
        self._reactor.callLater(0, self.scheduled.put, delay)
        return call

    async def next_pause(self) -> float:
        """The next delay between two turns."""
        while (delay := await self.scheduled.get()) in {RENEWAL, LONGEST_TURN, DELAY, TURN_SECONDS}:
            pass
        return delay

    async def next_renewal(self) -> float:
        """The next delay that is a renewal's."""
        while (delay := await self.scheduled.get()) != RENEWAL:
            pass
        return delay


def shell(script: str) -> Settings:
    """A command that is a shell script."""
    return Settings(kind="command", command=("sh", "-c", script))


def when_cancelled(failure: Failure) -> None:
    """That it was cancelled is how it ends."""
    failure.trap(CancelledError)
