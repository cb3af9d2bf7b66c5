"""An alarm for what the database says is due."""

from __future__ import annotations

from collections.abc import Callable

from attrs import define, field
from twisted.internet.interfaces import IDelayedCall, IReactorTime

AGAIN: float = 5.0
"""Seconds until the next try where the database could not be used."""
LONGEST_NAP: float = 86400.0
"""Seconds after which it rings whatever it was set to: clocks are set, and a reactor counts no century."""


@define(eq=False)
class Alarm:
    """Calls `ring` at the time that it was last set to."""

    _clock: IReactorTime
    _ring: Callable[[], None]
    _call: IDelayedCall | None = field(default=None, init=False)

    def set(self, due_at: float | None) -> None:
        """Ring at that unix time and no other, at once where it is over; never, if None."""
        self.stop()
        if due_at is not None:
            seconds = min(max(0.0, due_at - self._clock.seconds()), LONGEST_NAP)
            self._call = self._clock.callLater(seconds, self._ring)

    def snooze(self) -> None:
        """Ring again soon."""
        self.set(self._clock.seconds() + AGAIN)

    def stop(self) -> None:
        """Don't ring."""
        if self._call is not None and self._call.active():
            self._call.cancel()
        self._call = None
