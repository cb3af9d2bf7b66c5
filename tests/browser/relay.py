"""A proxy before the console, as operators put one there: it knows what every open connection was asked for last."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from typing import Final

from tests.daemon.client import PATIENCE

STREAM: Final = b"GET /events"


class Relay:
    """Listens at a port (0: one that is free), and hands on to another; a connection counts until a side ends it."""

    def __init__(self, to: int, at: int = 0) -> None:
        self._to = to
        self._server = socket.create_server(("127.0.0.1", at))
        self.port = int(self._server.getsockname()[1])
        self._asked: dict[socket.socket, bytes] = {}
        self._changed = threading.Condition()
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def streams(self) -> int:
        """How many connections carry the feed: `GET /events` was the last that they were asked for."""
        with self._changed:
            return sum(request.startswith(STREAM) for request in self._asked.values())

    def wait_for_streams(self, count: int) -> None:
        """Return once so many connections carry the feed. Raises AssertionError."""
        self._wait(lambda: sum(request.startswith(STREAM) for request in self._asked.values()) == count)

    def close(self) -> None:
        """Listen no more, and end every connection; where it still does."""
        if self._server.fileno() < 0:
            return
        self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()
        with self._changed:
            for client in self._asked:
                client.shutdown(socket.SHUT_RDWR)
        self._wait(lambda: not self._asked)

    def _wait(self, holds: Callable[[], bool]) -> None:
        with self._changed:
            assert self._changed.wait_for(holds, PATIENCE), sorted(self._asked.values())

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._server.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with client, socket.socket() as daemon:
            self._note(client, b"")
            try:
                daemon.connect(("127.0.0.1", self._to))
                threading.Thread(target=_hand_on, args=(daemon, client), daemon=True).start()
                while data := client.recv(65536):
                    self._note(client, data.partition(b"\r\n")[0])
                    daemon.sendall(data)
                daemon.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass  # either side has gone, or the daemon is not there
            finally:
                self._forget(client)

    def _note(self, client: socket.socket, request: bytes) -> None:
        with self._changed:
            self._asked[client] = request
            self._changed.notify_all()

    def _forget(self, client: socket.socket) -> None:
        with self._changed:
            del self._asked[client]
            self._changed.notify_all()


def _hand_on(daemon: socket.socket, client: socket.socket) -> None:
    """What the daemon answers, and in the end its end."""
    try:
        while data := daemon.recv(65536):
            client.sendall(data)
        client.shutdown(socket.SHUT_RDWR)
    except OSError:
        pass  # the browser has gone; whoever reads from it notices too
