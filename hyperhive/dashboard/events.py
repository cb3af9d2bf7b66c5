"""The feed for browsers, as server-sent events: that something changed, and of which kind. Pages look themselves."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, Final

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IPushProducer
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET
from zope.interface import implementer

from hyperhive.dashboard import guard
from hyperhive.dashboard.guard import HEADERS, Place
from hyperhive.dashboard.services import Services
from hyperhive.services.feed import Feed, Gap

HEARTBEAT: Final = 15.0
"""Seconds between two signs of life: who has gone without a word is noticed only by writing."""


class Events(Resource):
    """Answers `GET /events`."""

    isLeaf = True

    def __init__(self, services: Services, place: Place) -> None:
        super().__init__()
        self._services = services
        self._place = place
        self._streams: set[Stream] = set()

    def close(self) -> None:
        """End every stream."""
        for stream in tuple(self._streams):
            stream.end()

    def render_GET(self, request: Any) -> int:
        """Begin a stream for a browser that is let in."""
        Deferred.fromCoroutine(self._begin(request)).addErrback(lambda _: request.transport.abortConnection())
        return NOT_DONE_YET

    async def _begin(self, request: Any) -> None:
        for name, value in HEADERS.items():
            request.setHeader(name, value)
        key = guard.key_of(request)
        session = None if key is None else await self._services.sessions.of(key)
        if not self._place.is_asked_for(request) or session is None:
            request.setResponseCode(401 if self._place.is_asked_for(request) else 421)
            request.finish()
            return
        stream = Stream(request, self._services.changes.feed, self._services.broker.clock)
        self._streams.add(stream)
        request.notifyFinish().addBoth(lambda _: self._streams.discard(stream))
        stream.begin(request.getHeader("last-event-id"))


@implementer(IPushProducer)
class Stream:
    """One browser's stream. While it does not keep up nothing more is written, and then only that it missed some."""

    def __init__(self, request: Any, feed: Feed, clock: Any) -> None:
        self._request = request
        self._feed = feed
        self._clock = clock
        self._seq = feed.seq
        self._flows = True
        self._planned = False
        self._over = False
        self._unfollow: Callable[[], None] = lambda: None
        self._beat: Any = None

    def begin(self, last: str | None) -> None:
        """Say what came after `last`, and go on."""
        request = self._request
        request.setHeader(b"content-type", b"text/event-stream; charset=utf-8")
        request.setHeader(b"x-accel-buffering", b"no")
        request.registerProducer(self, True)  # noqa: FBT003 - as Twisted has it
        request.notifyFinish().addBoth(lambda _: self._gone())
        request.write(b"retry: 1000\n\n")
        if last is not None and last.isdigit():
            self._seq = int(last)
        self._unfollow = self._feed.follow(self._soon)
        self._say("hello", {"seq": self._feed.seq})
        self._tell()
        self._keep_alive()

    def end(self) -> None:
        """The daemon ends."""
        if not self._over:
            self._gone()
            self._request.finish()

    def pauseProducing(self) -> None:
        """The browser does not keep up."""
        self._flows = False

    def resumeProducing(self) -> None:
        """It does again."""
        self._flows = True
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
        if self._over or not self._flows or self._seq == self._feed.seq:
            return
        try:
            entries = list(self._feed.after(self._seq))
        except Gap:
            self._seq = self._feed.seq
            self._say("resync", {})
            return
        self._seq = entries[-1].seq
        kinds = sorted({entry.kind.value for entry in entries})
        whose = sorted({entry.whose for entry in entries if entry.whose is not None})
        self._say("change", {"kinds": kinds, "whose": whose})

    def _say(self, event: str, data: dict[str, Any]) -> None:
        self._request.write(f"event: {event}\nid: {self._seq}\ndata: {json.dumps(data)}\n\n".encode())

    def _keep_alive(self) -> None:
        if not self._over:
            self._request.write(b": still here\n\n")
            self._beat = self._clock.callLater(HEARTBEAT, self._keep_alive)

    def _gone(self) -> None:
        self._over = True
        self._unfollow()
        if self._beat is not None and self._beat.active():
            self._beat.cancel()
