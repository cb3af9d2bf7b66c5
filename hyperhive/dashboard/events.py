"""The feed for browsers, as server-sent events: that something changed, and of which kind. Pages look themselves.

Events: `hello` {seq, trouble}, at the begin; `change` {kinds, whose}; `resync` {}, where some were missed; `trouble`
{sentence or null}, what ails the database; `over` {}, the session ended; `beat` {}, a sign of life. The others have
the number of the last change as their id. Asked with `Last-Event-ID`, or `?after=` where a browser can't, a stream
goes on behind that number.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from twisted.internet.defer import Deferred
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET

from hyperhive.dashboard import guard, plain
from hyperhive.dashboard.guard import Place
from hyperhive.dashboard.reading import Unreadable, header, query_of
from hyperhive.dashboard.services import Services
from hyperhive.dashboard.stream import Stream
from hyperhive.errors import DatabaseTrouble
from hyperhive.wire.records import Session

HEARTBEAT: Final = 15.0
"""Seconds between two signs of life: who has gone without a word is noticed only by writing."""


class Events(Resource):
    """Answers `GET /events`."""

    isLeaf = True

    def __init__(self, services: Services, place: Place) -> None:
        super().__init__()
        self._services = services
        self._place = place
        self._streams: dict[Stream, tuple[int, str]] = {}
        self._beat: Any = None
        services.sessions.after_each_end(self._end_those_of)
        services.broker.database.when_troubled(self._tell_trouble)

    def close(self) -> None:
        """End every stream."""
        if self._beat is not None and self._beat.active():
            self._beat.cancel()
        for stream in tuple(self._streams):
            stream.end()

    def render(self, request: Any) -> int | bytes:
        """Begin a stream for a browser that is let in."""
        if request.method != b"GET":
            request.setHeader(b"allow", b"GET")
            return plain.refusal(request, 405, "the feed takes GET")
        Deferred.fromCoroutine(self._begin(request)).addErrback(lambda _: request.channel.forceAbortClient())
        return NOT_DONE_YET

    async def _begin(self, request: Any) -> None:
        status, sentence, session, key, after = 401, "run 'hivectl dashboard', and open its link", None, None, ""
        gone: list[object] = []
        request.notifyFinish().addBoth(gone.append)
        try:
            key = guard.key_of(request)
            session = await self._session_of(request, key)
            after = header(request, "last-event-id") or "".join(query_of(request).get("after", [])[-1:])
        except DatabaseTrouble as trouble:
            status, sentence = 503, str(trouble)
        except Unreadable as wrong:
            status, sentence = wrong.status, str(wrong)
        if gone:
            return
        if session is None or key is None:
            request.write(plain.refusal(request, status, sentence))
            request.finish()
            return
        self._follow(request, session, key, after)

    async def _session_of(self, request: Any, key: str | None) -> Session | None:
        if not self._place.is_asked_for(request):
            raise Unreadable(421, guard.ELSEWHERE)
        return None if key is None else await self._services.sessions.of(key, counts=False)

    def _follow(self, request: Any, session: Session, key: str, after: str) -> None:
        request.is_let_in()
        stream = Stream(request, self._services.changes.feed, self._services.broker.clock)
        self._streams[stream] = (session.id, key)
        request.notifyFinish().addBoth(lambda _: self._streams.pop(stream, None))
        number = int(after) if after.isascii() and after.isdigit() and len(after) < 20 else None
        stream.begin(number, self._trouble())
        if self._beat is None:
            self._beat = self._services.broker.clock.callLater(HEARTBEAT, self._keep_alive)

    def _keep_alive(self) -> None:
        """Write to each stream, and look whether it may still be followed."""
        self._beat = None
        if not self._streams:
            return
        self._beat = self._services.broker.clock.callLater(HEARTBEAT, self._keep_alive)
        for stream, (id_, key) in tuple(self._streams.items()):
            stream.live()
            # In trouble it is tried to write that somebody was seen: by that it shows when the database is well again.
            looking = Deferred.fromCoroutine(self._services.sessions.of(key, counts=self._trouble() is not None))
            looking.addCallbacks(self._ender(id_), lambda failure: failure.trap(DatabaseTrouble) and None)

    def _ender(self, id_: int) -> Callable[[Session | None], None]:
        return lambda session: self._end_those_of(id_) if session is None else None

    def _end_those_of(self, id_: int) -> None:
        for stream, (session, _) in tuple(self._streams.items()):
            if session == id_:
                stream.say("over", {})
                stream.end()

    def _tell_trouble(self) -> None:
        for stream in tuple(self._streams):
            stream.say("trouble", {"sentence": self._trouble()})

    def _trouble(self) -> str | None:
        trouble = self._services.broker.database.trouble
        return None if trouble is None else str(trouble)
