"""One process of the CLI: lines to it, lines from it, and how it ended."""

from __future__ import annotations

import signal
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import orjson
from attrs import frozen
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall
from twisted.internet.protocol import ProcessProtocol
from twisted.python.failure import Failure

from hyperhive.agent.sessions import how_ended, in_own_session, send_signal

GRACE: Final = 2.0
"""Seconds between the end of its input and SIGTERM, between SIGTERM and SIGKILL, and that output stays open after."""
LINE_BYTES: Final = 8 * 1024 * 1024
"""Of a longer line the rest is left out, except for its very end."""
END_BYTES: Final = 1024
ERROR_BYTES: Final = 2048


@frozen
class Line:
    """A line without its end; `whole` False: its middle is missing."""

    content: bytes
    whole: bool = True


class Lines:
    """Makes lines of whatever pieces come."""

    def __init__(self, longest: int = LINE_BYTES) -> None:
        self._longest = longest
        self._begun = bytearray()
        self._end = b""

    def feed(self, data: bytes) -> list[Line]:
        """The lines that end in this piece."""
        *ending, begun = data.split(b"\n")
        lines = [self._ended(piece) for piece in ending]
        self._add(begun)
        return lines

    def _add(self, piece: bytes) -> None:
        room = self._longest - len(self._begun)
        self._begun += piece[:room]
        self._end = (self._end + piece[room:])[-END_BYTES:] if len(piece) > room else self._end

    def _ended(self, piece: bytes) -> Line:
        self._add(piece)
        line = Line(bytes(self._begun) + self._end, whole=not self._end)
        self._begun, self._end = bytearray(), b""
        return line


class Process(ProcessProtocol):
    """It runs from `start` on. `how` is how it ended, in words that follow "claude"; None while it runs.

    `exited`: it has ended by itself, and not by a signal.
    """

    transport: Any

    def __init__(self, reactor: Any, hear: Callable[[Line], None], ended: Callable[[], None]) -> None:
        self.how: str | None = None
        self.exited = False
        self._reactor = reactor
        self._hear = hear
        self._ended = ended
        self._lines = Lines()
        self._errors = b""
        self._waiting: list[Deferred[None]] = []
        self._timer: IDelayedCall | None = None
        self._reaped = False

    def start(self, words: Sequence[str], environment: Mapping[str, str], directory: str) -> None:
        """In a session of its own. Raises OSError."""
        own = in_own_session(words)
        self._reactor.spawnProcess(self, own[0], own, dict(environment), directory, childFDs={0: "w", 1: "r", 2: "r"})

    def tell(self, message: Mapping[str, Any]) -> None:
        """A line to it; lost if it has ended."""
        if self.how is None:
            self.transport.write(orjson.dumps(message, option=orjson.OPT_APPEND_NEWLINE))

    def leave(self) -> Deferred[None]:
        """Let it end by itself, and end it if it does not; fires when it has ended."""
        if self.how is None:
            self.transport.closeStdin()
            self._after(GRACE, self.end)
        return self._end()

    def end(self) -> Deferred[None]:
        """SIGTERM to it and its group, and SIGKILL to what is left; fires when it has ended."""
        if self.how is None:
            self._signal(signal.SIGTERM)
            self._after(GRACE, self._kill)
        return self._end()

    def connectionMade(self) -> None:
        """It has been started."""
        self._pid = self.transport.pid

    def outReceived(self, data: bytes) -> None:
        """What it says."""
        for line in self._lines.feed(data):
            self._hear(line)

    def errReceived(self, data: bytes) -> None:
        """Its complaints, of which the last one may be the reason of its end."""
        self._errors = (self._errors + data)[-ERROR_BYTES:]

    def processExited(self, reason: Failure) -> None:
        """It has exited. What it left behind may hold its output open, but not for ever."""
        self._reaped = True
        self._after(GRACE, self.transport.loseConnection)

    def processEnded(self, reason: Failure) -> None:
        """It has exited and no more output comes."""
        self._stop_timer()
        self.exited = getattr(reason.value, "signal", None) is None
        self.how = ending(reason, self._errors)
        self._ended()
        waiting, self._waiting = self._waiting, []
        for one in waiting:
            one.callback(None)

    def _end(self) -> Deferred[None]:
        ended: Deferred[None] = Deferred()
        if self.how is None:
            self._waiting.append(ended)
        else:
            ended.callback(None)
        return ended

    def _kill(self) -> None:
        self._signal(signal.SIGKILL)
        self._after(GRACE, self.transport.loseConnection)

    def _after(self, seconds: float, what: Callable[[], object]) -> None:
        self._stop_timer()
        self._timer = self._reactor.callLater(seconds, what)

    def _stop_timer(self) -> None:
        if self._timer is not None and self._timer.active():
            self._timer.cancel()

    def _signal(self, number: signal.Signals) -> None:
        if not self._reaped:  # its number may be another one's by now
            send_signal(self.transport, self._pid, number)


def ending(reason: Failure, errors: bytes) -> str:
    """`exited with status 1: what it complained of last`."""
    how = how_ended(reason)
    complaints = errors.decode(errors="replace").split("\n")
    last = next((line.strip() for line in reversed(complaints) if line.strip()), None)
    return how if last is None else f"{how}: {last}"
