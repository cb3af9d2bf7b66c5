"""Requests that must be taken: made again while the daemon is in trouble, such as a full disk."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar, Final

from twisted.application.internet import backoffPolicy
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import deferLater
from twisted.logger import Logger

from hyperhive.agent.asking import IAsk
from hyperhive.client import Refused, WireError
from hyperhive.errors import NOTHING_CHANGED
from hyperhive.wire.manager_requests import ManagerRequest


def doubling(first: float, most: float) -> Callable[[int], float]:
    """Seconds before the n-th time, n from 1: `first`, twice that, and so on up to `most`."""
    return backoffPolicy(initialDelay=first / 2, maxDelay=most, factor=2.0, jitter=lambda: 0.0)


AGAIN: Final = doubling(1.0, 60.0)
"""Seconds before the n-th time that it is asked again."""
MOST: Final = 5
"""How often a request is made that is refused for another reason than trouble."""


class Retrying:
    """Asks again until it is taken, until the refusal is final, or until it is stopped."""

    _log: ClassVar[Logger] = Logger()

    def __init__(self, clock: IReactorTime, daemon: IAsk) -> None:
        self._clock = clock
        self._daemon = daemon
        self._pause: Deferred[Any] | None = None
        self._stopped = False

    def stop(self) -> None:
        """Wait for nothing any more: what is refused now stays so."""
        self._stopped = True
        if self._pause is not None:
            self._pause.cancel()

    async def ask(self, request: ManagerRequest, about: str, final: str | None = None) -> Any:
        """The answer. A refusal that begins with `final` stands; the log names the others by what they are `about`.

        Trouble of the daemon's own is waited for however long it lasts. Raises Refused and WireError.
        """
        tries = 0
        while True:
            try:
                answer = await self._daemon.ask(request)
            except (Refused, WireError) as error:
                tries += 1
                if tries == 1:
                    self._log.error("{about} was not taken note of: {error}", about=about, error=error)
                if not self._may_change(error, tries, final) or not await self._waited(AGAIN(tries)):
                    raise
            else:
                if tries:
                    self._log.info("{about} has been taken note of now", about=about)
                return answer

    def _may_change(self, error: Exception, tries: int, final: str | None) -> bool:
        if final is not None and str(error).startswith(final):
            return False
        return str(error).endswith(NOTHING_CHANGED) or tries < MOST

    async def _waited(self, seconds: float) -> bool:
        if self._stopped:
            return False
        self._pause = deferLater(self._clock, seconds)
        try:
            await self._pause
        except CancelledError:
            if not self._stopped:
                raise
        finally:
            self._pause = None
        return not self._stopped
