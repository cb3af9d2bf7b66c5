"""HTTP as the console speaks it: Twisted's, with our headers on whatever is answered, and bounds to what is taken."""

from __future__ import annotations

from io import BytesIO
from typing import Any, Final

from twisted.web.http import HTTPChannel
from twisted.web.resource import Resource
from twisted.web.server import Request as TwistedRequest
from twisted.web.server import Site as TwistedSite

from hyperhive.dashboard.guard import HEADERS

LARGEST_FORM: Final = 1024 * 1024
"""Bytes of a form that are kept; of one that is larger the rest is let go by, so that the browser hears why."""
LARGEST_WASTE: Final = 16 * LARGEST_FORM
"""Bytes after which nobody is listened to any more."""
MOST_BROWSERS: Final = 256
"""Connections at once, so that whoever opens many leaves the daemon files for its own sockets.

Beyond that those without a session make room, so that they keep nobody out who has one.
"""
IDLE: Final = 60.0
"""Seconds after which a connection that says nothing is closed."""
LINGER: Final = 30
"""Seconds that a connection which is being closed has to read what it was answered."""


class Request(TwistedRequest):
    """One request. What it carries is neither parsed nor trusted here, and `too_large` says if there was too much."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._taken = 0
        for name, value in HEADERS.items():
            self.responseHeaders.setRawHeaders(name, [value])

    @property
    def too_large(self) -> bool:
        """Whether more came than is kept of a form."""
        return self._taken > LARGEST_FORM

    def is_let_in(self) -> None:
        """Somebody asks who is let in: the connection makes room for no other."""
        channel: Any = self.channel
        if channel is not None:
            channel.let_in = True

    def gotLength(self, length: int | None) -> None:
        """Have a place for what will come: memory, however long it is said to be."""
        self.content: BytesIO = BytesIO()

    def handleContentChunk(self, data: bytes) -> None:
        """Keep what came, as far as it may be kept."""
        self._taken += len(data)
        if not self.too_large:
            self.content.write(data)
        elif self._taken > LARGEST_WASTE:
            self.channel.forceAbortClient()

    def requestReceived(self, command: bytes, path: bytes, version: bytes) -> None:
        """Process it. Forms are read by `reading`: Twisted would mix their fields with those of the address."""
        self.content.seek(0)
        self.args = {}
        self.method, self.uri, self.clientproto = command, path, version
        self.path = path.partition(b"?")[0]
        self.process()


class Channel(HTTPChannel):
    """One connection; `let_in`: whoever is behind it showed a session."""

    site: Site
    abortTimeout = LINGER
    let_in = False

    def connectionMade(self) -> None:
        """Let the site know it, which ends it with itself."""
        super().connectionMade()
        self.site.channels[self] = None

    def connectionLost(self, reason: Any = None) -> None:
        """Let the site forget it."""
        self.site.channels.pop(self, None)
        super().connectionLost(reason)

    def requestDone(self, request: Any) -> None:
        """Go on with what was asked meanwhile; not for somebody who reads none of it, whose answers would pile up."""
        if self._waitingForTransport and (self._buffer or self._dataBuffer):
            self.persistent = False
        super().requestDone(request)

    def timeoutConnection(self) -> None:
        """Close it, as browsers expect; Twisted would log each."""
        self.loseConnection()

    def loseConnection(self) -> None:
        """Close it once what was written is read, and in any case soon. Twisted sees to that for idle ones alone."""
        if self._abortingCall is None:
            self._abortingCall = self.callLater(self.abortTimeout, self.forceAbortClient)
        super().loseConnection()

    def forceAbortClient(self) -> None:
        """Cut it off, without a line in the log for each."""
        call, self._abortingCall = self._abortingCall, None
        if call is not None and call.active():
            call.cancel()
        transport: Any = self.transport
        transport.abortConnection()

    def _respondToBadRequestAndDisconnect(self) -> None:
        """As Twisted's own, which knows of no headers."""
        sentence = b"this is no request of HTTP/1.1\n"
        headers = {**HEADERS, b"content-type": b"text/plain", b"connection": b"close"}
        lines = [b"HTTP/1.1 400 Bad Request", *(b": ".join(header) for header in headers.items())]
        transport: Any = self.transport
        transport.write(b"\r\n".join(lines) + b"\r\ncontent-length: %d\r\n\r\n" % len(sentence) + sentence)
        self.loseConnection()


class Site(TwistedSite):
    """All connections. There is no log of requests: it would hold the words of links."""

    protocol: Any = Channel
    noisy = False
    displayTracebacks = False

    def __init__(self, reactor: Any) -> None:
        super().__init__(Resource(), requestFactory=Request, timeout=IDLE, reactor=reactor)
        self.channels: dict[Channel, None] = {}

    def startFactory(self) -> None:
        """Nothing: Twisted would open its log, and wake each second to know the time."""

    def log(self, request: Any) -> None:
        """Write nothing."""

    def buildProtocol(self, addr: Any) -> Any:
        """A connection; none, and the peer hears the end, where there are too many and none makes room."""
        return super().buildProtocol(addr) if len(self.channels) < MOST_BROWSERS or self._makes_room() else None

    def _makes_room(self) -> bool:
        """Whether there was a stranger to cut off; it is the one who came first."""
        stranger = next((channel for channel in self.channels if not channel.let_in), None)
        if stranger is None:
            return False
        del self.channels[stranger]
        stranger.forceAbortClient()
        return True

    def close(self) -> None:
        """End every connection: at once if nothing is asked on it, otherwise once that is answered."""
        for channel in tuple(self.channels):
            channel.persistent = False
            if not channel.requests:
                channel.loseConnection()
