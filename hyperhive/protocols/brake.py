"""Why nothing is read from a peer for now: it reads no answers, or has asked too much ahead."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from attrs import define, field
from twisted.internet.interfaces import IDelayedCall, IPushProducer, IReactorTime
from zope.interface import implementer

GLANCE: Final = 1.0
"""Seconds between two glances at a peer from which nothing is read because it has asked too much ahead."""


@implementer(IPushProducer)
@define(eq=False)
class Brake:
    """Holds the reading side of a connection while there is a reason to.

    It is the transport's producer, so that an answer which the peer does not read is one. `glance` is called now
    and then while the other is one: the end of input is not seen then.
    """

    _pause: Callable[[], None]
    _resume: Callable[[], None]
    _glance: Callable[[], None]
    _clock: IReactorTime
    unread: bool = field(default=False, init=False)
    ahead: bool = field(default=False, init=False)
    eased: Callable[[], None] | None = field(default=None, init=False)
    _next_glance: IDelayedCall | None = field(default=None, init=False)

    def hold_for_asking_ahead(self) -> None:
        """Too many requests wait for their answers."""
        if not self.ahead:
            self.ahead = True
            self._pause()
            self._next_glance = self._clock.callLater(GLANCE, self._glance_again)

    def ease_for_asking_ahead(self) -> None:
        """Enough of them were answered."""
        if self.ahead:
            self.ahead = False
            self.end()
            if not self.unread:
                self._resume()

    def end(self) -> None:
        """Glance no more."""
        if self._next_glance is not None and self._next_glance.active():
            self._next_glance.cancel()

    def pauseProducing(self) -> None:
        """The transport's buffer is full: the peer does not read."""
        if not self.unread:
            self.unread = True
            self._pause()

    def resumeProducing(self) -> None:
        """The peer has read."""
        if self.unread:
            self.unread = False
            if not self.ahead:
                self._resume()
            if self.eased is not None:
                self.eased()

    def stopProducing(self) -> None:
        """The connection is closed; there is nothing to stop."""

    def _glance_again(self) -> None:
        self._next_glance = self._clock.callLater(GLANCE, self._glance_again)
        self._glance()
