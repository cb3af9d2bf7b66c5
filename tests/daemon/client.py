"""Clients of the hive on blocking sockets, and what they do with mail."""

from __future__ import annotations

import json
import os
import select
import socket
from array import array
from fcntl import ioctl
from pathlib import Path
from termios import FIONREAD
from typing import Any, Self

PATIENCE = 25.0
"""Seconds after which a test gives up; nothing that goes well takes nearly as long."""

Answer = dict[str, Any]


class Client:
    """One connection: requests and answers as JSON objects, or the bytes themselves."""

    def __init__(self, path: Path) -> None:
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.settimeout(PATIENCE)
        self._socket.connect(str(path))
        self._read = bytearray()

    def ask(self, cmd: str, **fields: Any) -> Answer:
        """The answer to a request."""
        self.say(cmd, **fields)
        return self.hear()

    def say(self, cmd: str, **fields: Any) -> None:
        """Send a request, and read nothing."""
        self.write(line(cmd, **fields))

    def write(self, data: bytes) -> None:
        """Send bytes as they are."""
        self._socket.sendall(data)

    def write_some(self, data: bytes) -> int:
        """Send what the kernel takes at once; how many bytes that was."""
        try:
            return os.write(self._socket.fileno(), data)
        except BlockingIOError:
            return 0

    def hear(self) -> Answer:
        """The next answer. Raises EOFError at the end."""
        while b"\n" not in self._read:
            data = self._socket.recv(262144)
            if not data:
                raise EOFError(bytes(self._read))
            self._read += data
        answer, _, self._read = self._read.partition(b"\n")
        heard: Answer = json.loads(answer)
        return heard

    def hears_the_end(self) -> bool:
        """Whether the daemon closes the connection without another word."""
        try:
            self.hear()
        except EOFError as end:
            return end.args == (b"",)
        return False

    def wait_for_bytes(self) -> int:
        """Return when an answer begins to arrive, with the bytes that the kernel holds of it; reads none."""
        assert select.select([self._socket], [], [], PATIENCE)[0]
        held = array("i", [0])
        ioctl(self._socket, FIONREAD, held)
        return held[0]

    def read(self, count: int) -> bytes:
        """Read exactly so many bytes of what arrives."""
        found = bytearray()
        while len(found) < count:
            data = self._socket.recv(count - len(found))
            assert data
            found += data
        return bytes(found)

    def say_no_more(self) -> None:
        """Shut down the sending side."""
        self._socket.shutdown(socket.SHUT_WR)

    def close(self) -> None:
        """Leave, whatever is unread."""
        self._socket.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def line(cmd: str, **fields: Any) -> bytes:
    """A request as it goes over the wire."""
    return json.dumps({"cmd": cmd, **fields}).encode() + b"\n"


def event(message: Answer) -> Answer:
    """The event in a message from `system`."""
    assert message["from"] == "system", message
    found: Answer = json.loads(message["body"])
    return found


def next_event(client: Client, name: str) -> Answer:
    """The next event of that name in the inbox; other mail is read over."""
    while True:
        message = client.ask("recv", wait_seconds=int(PATIENCE) - 5)
        assert message["kind"] == "message", f"no {name} came: {message}"
        if message["from"] == "system" and event(message)["event"] == name:
            return event(message)


def take_all(client: Client) -> list[Answer]:
    """Everything that is queued, taken with `max` and acknowledged, in its order."""
    found: list[Answer] = []
    while rows := client.ask("recv", max=32, wait_seconds=0)["messages"]:
        found += rows
        client.ask("ack_turn", ids=[row["id"] for row in rows])
    return found
