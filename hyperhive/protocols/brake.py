"""Why nothing is read from a peer for now: it reads no answers, or has asked too much ahead."""

from __future__ import annotations

from collections.abc import Callable

from attrs import define, field
from twisted.internet.interfaces import IPushProducer
from zope.interface import implementer


@implementer(IPushProducer)
@define(eq=False)
class Brake:
    """Holds the reading side of a connection while there is a reason to.

    It is the transport's producer, so that an answer which the peer does not read is one.
    """

    _pause: Callable[[], None]
    _resume: Callable[[], None]
    unread: bool = field(default=False, init=False)
    ahead: bool = field(default=False, init=False)
    eased: Callable[[], None] | None = field(default=None, init=False)

    def hold_for_asking_ahead(self) -> None:
        """Too many requests wait for their answers."""
        if not self.ahead:
            self.ahead = True
            self._pause()

    def ease_for_asking_ahead(self) -> None:
        """Enough of them were answered."""
        if self.ahead:
            self.ahead = False
            if not self.unread:
                self._resume()

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
