"""A relay that stores nothing, to learn how fast the load generator is: `python -m benchmarks.echo DIR PAIRS`.

For each pair it listens on `DIR/s<n>` and `DIR/r<n>`: a line to the first is answered with `ok` and written to
whoever is connected to the second, whose own lines are read and forgotten.
"""

from __future__ import annotations

import select
import socket
import sys
from collections.abc import Callable
from pathlib import Path

Ready = Callable[[], None]


class Relay:
    """All pairs of one relay, in one epoll set."""

    def __init__(self) -> None:
        self._poller = select.epoll()
        self._ready: dict[int, Ready] = {}
        self._receivers: dict[int, socket.socket] = {}

    def listen(self, directory: Path, pair: int) -> None:
        """Open the two sockets of a pair."""
        self._open(directory / f"r{pair}", lambda receiver: self._receiver_connected(pair, receiver))
        self._open(directory / f"s{pair}", lambda sender: self._sender_connected(pair, sender))

    def run(self) -> None:
        """Relay until a signal ends the process."""
        while True:
            for descriptor, _ in self._poller.poll():
                self._ready[descriptor]()

    def _open(self, path: Path, connected: Callable[[socket.socket], None]) -> None:
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(str(path))
        listener.listen()
        self._watch(listener, lambda: connected(listener.accept()[0]))

    def _watch(self, stream: socket.socket, ready: Ready) -> None:
        self._poller.register(stream, select.EPOLLIN)
        self._ready[stream.fileno()] = ready

    def _receiver_connected(self, pair: int, receiver: socket.socket) -> None:
        self._receivers[pair] = receiver
        self._watch(receiver, lambda: self._forget(receiver))

    def _sender_connected(self, pair: int, sender: socket.socket) -> None:
        def relay() -> None:
            if chunk := self._read(sender):
                sender.sendall(b"ok\n" * chunk.count(b"\n"))
                self._receivers[pair].sendall(chunk)

        self._watch(sender, relay)

    def _forget(self, receiver: socket.socket) -> None:
        self._read(receiver)

    def _read(self, stream: socket.socket) -> bytes:
        chunk = stream.recv(262144)
        if not chunk:
            self._poller.unregister(stream)
            del self._ready[stream.fileno()]
            stream.close()
        return chunk


def main(directory: str, pairs: str) -> None:
    """Listen for so many pairs in a directory, and relay."""
    relay = Relay()
    for pair in range(int(pairs)):
        relay.listen(Path(directory), pair)
    relay.run()


if __name__ == "__main__":
    main(*sys.argv[1:])
