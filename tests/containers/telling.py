"""What a test of containers waits for: hints that a backend gives, and lines that an agent writes."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReadDescriptor
from twisted.python.failure import Failure
from zope.interface import implementer


class Hints:
    """Given to `watch`: counts its calls, and lets a test wait for the next."""

    def __init__(self) -> None:
        self.count = 0
        self._waiting: list[Deferred[None]] = []

    def __call__(self) -> None:
        self.count += 1
        waiting, self._waiting = self._waiting, []
        for one in waiting:
            one.callback(None)

    def next(self) -> Deferred[None]:
        waiting: Deferred[None] = Deferred()
        self._waiting.append(waiting)
        return waiting


@implementer(IReadDescriptor)
class Told:
    """A named pipe in an agent's directory, `told`: a test waits for the next line that an agent writes there."""

    def __init__(self, reactor: Any, path: Path) -> None:
        os.mkfifo(path)
        self.reactor = reactor
        self._descriptor = os.open(path, os.O_RDWR | os.O_NONBLOCK)
        self._buffer = b""
        self._waiting: Deferred[str] | None = None

    def line(self) -> Deferred[str]:
        self._waiting = Deferred()
        self.reactor.addReader(self)
        return self._waiting

    def doRead(self) -> None:
        self._buffer += os.read(self._descriptor, 65536)
        if b"\n" in self._buffer and self._waiting is not None:
            line, _, self._buffer = self._buffer.partition(b"\n")
            self.reactor.removeReader(self)
            waiting, self._waiting = self._waiting, None
            waiting.callback(line.decode())

    def close(self) -> None:
        self.reactor.removeReader(self)
        os.close(self._descriptor)

    def fileno(self) -> int:
        return self._descriptor

    def connectionLost(self, reason: Failure) -> None: ...

    def logPrefix(self) -> str:
        return "told"
