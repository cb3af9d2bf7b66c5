"""One browser's stream of events. While it does not keep up nothing more is written, and then only what it missed."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, Final

from twisted.internet.interfaces import IPushProducer
from zope.interface import implementer

from hyperhive.services.feed import Feed, Gap

LONGEST_STALL: Final = 60.0
"""Seconds after which a browser that reads nothing is given up; it asks again where it left off."""


@implementer(IPushProducer)
class Stream:
    """Tells of changes after the last that it told of, as often as the browser reads."""

    def __init__(self, request: Any, feed: Feed, clock: Any) -> None:
        self._request = request
        self._feed = feed
        self._clock = clock
        self._seq = feed.seq
        self._stalled_at: float | None = None
        self._planned = False
        self._over = False
        self._unfollow: Callable[[], None] = lambda: None

    def begin(self, last: int | None, trouble: str | None) -> None:
        """Say what came after change `last`, if that is known, and go on."""
        request = self._request
        request.setHeader(b"content-type", b"text/event-stream; charset=utf-8")
        request.setHeader(b"x-accel-buffering", b"no")
        request.registerProducer(self, True)  # noqa: FBT003 - as Twisted has it
        request.notifyFinish().addBoth(lambda _: self._gone())
        request.write(b"retry: 1000\n\n")
        if last is not None:
            self._seq = last
        self._unfollow = self._feed.follow(self._soon)
        self.say("hello", {"seq": self._feed.seq, "trouble": trouble})
        self._tell()

    def end(self) -> None:
        """Say no more."""
        if not self._over:
            self._gone()
            self._request.unregisterProducer()
            self._request.finish()

    def live(self) -> None:
        """Write something, so that both sides notice if the other has gone."""
        if self._over:
            return
        if self._stalled_at is None:
            self._request.write(b"event: beat\ndata: {}\n\n")
        elif self._clock.seconds() - self._stalled_at > LONGEST_STALL:
            self._request.channel.forceAbortClient()

    def say(self, event: str, data: dict[str, Any]) -> None:
        """Tell of something that is no change; it is rare, and said to a browser too that does not keep up."""
        if not self._over:
            self._request.write(f"event: {event}\nid: {self._seq}\ndata: {json.dumps(data)}\n\n".encode())

    def pauseProducing(self) -> None:
        """The browser does not keep up."""
        self._stalled_at = self._clock.seconds()

    def resumeProducing(self) -> None:
        """It does again."""
        self._stalled_at = None
        self._tell()

    def stopProducing(self) -> None:
        """It has gone."""
        self._gone()

    def _soon(self) -> None:
        """Tell of changes once for all that this turn of the reactor brings."""
        if not self._planned and not self._over:
            self._planned = True
            self._clock.callLater(0, self._tell)

    def _tell(self) -> None:
        self._planned = False
        if self._over or self._stalled_at is not None or self._seq == self._feed.seq:
            return
        try:
            entries = list(self._feed.after(self._seq))
        except Gap:
            self._seq = self._feed.seq
            self.say("resync", {})
            return
        self._seq = entries[-1].seq
        kinds = sorted({entry.kind.value for entry in entries})
        whose = sorted({entry.whose for entry in entries if entry.whose is not None})
        self.say("change", {"kinds": kinds, "whose": whose})

    def _gone(self) -> None:
        self._over = True
        self._unfollow()
