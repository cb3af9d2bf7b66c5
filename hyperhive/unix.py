"""Unix sockets for many short answers: what is written leaves at once where it can, and what comes is read plainly.

Twisted's own connections note that they have something to write, are told by the kernel that they may, write it, and
note that they have no more; and read as if file descriptors might come along. For an answer of a hundred bytes that
is most of what it costs (docs/decisions/015).
"""

from __future__ import annotations

from collections.abc import Callable

from attrs import define, field
from twisted.internet import tcp, unix
from twisted.internet.interfaces import IReactorTime


class Connection(unix.Server):
    """A connection that writes at once what the kernel takes; the rest goes Twisted's way, as do all faults."""

    # Nobody passes us file descriptors, which is what `unix.Server` reads for. Twisted annotates it in two ways.
    doRead = tcp.Connection.doRead  # type: ignore[assignment]

    def write(self, data: bytes) -> None:
        """Write now, as far as the kernel has room and nothing is before it."""
        if self.connected and not (
            self._aborting or self._writeDisconnected or self._tempDataBuffer or self.dataBuffer
        ):
            sent = tcp.Connection.writeSomeData(self, data)
            if isinstance(sent, int):
                data = data[sent:]
        if data:
            super().write(data)


class Port(unix.Port):
    """A listening Unix socket with such connections."""

    transport = Connection


@define(eq=False)
class Outgoing:
    """What became ready in one turn of the reactor is written together: once a connection."""

    _clock: IReactorTime
    _waiting: list[Callable[[], None]] = field(factory=list, init=False)

    def __call__(self, write: Callable[[], None]) -> None:
        """Have `write` called before the reactor waits again."""
        if not self._waiting:
            self._clock.callLater(0, self._write)
        self._waiting.append(write)

    def _write(self) -> None:
        waiting, self._waiting = self._waiting, []
        for write in waiting:
            write()
