"""Who follows the console's feed, on a blocking socket."""

from __future__ import annotations

import json
import socket
from typing import Any
from urllib.parse import urlsplit

from tests.daemon.client import PATIENCE
from tests.dashboard.console import Console

Event = tuple[str, dict[str, Any], int | None]


class Follower:
    """One stream of events; `head` is what the answer begins with."""

    def __init__(self, console: Console, path: str = "/events", **headers: str) -> None:
        address = urlsplit(console.url)
        self._socket = socket.create_connection(("127.0.0.1", address.port or 0), PATIENCE)
        given = {"Host": address.netloc, "Connection": "close", "Cookie": f"hive-session={console.key}", **headers}
        lines = [f"GET {path} HTTP/1.1", *(f"{name}: {value}" for name, value in given.items())]
        self._socket.sendall("\r\n".join([*lines, "", ""]).encode())
        self._file = self._socket.makefile("rb")
        self.head = self._lines()

    def hear(self) -> Event:
        """The next event that says something: its name, its data, its id. Raises EOFError at the end."""
        while True:
            fields = dict(line.partition(": ")[::2] for line in self._lines())
            if fields.get("event", "beat") != "beat":
                number = fields.get("id")
                return fields["event"], json.loads(fields["data"]), None if number is None else int(number)

    def hear_of(self, event: str) -> Event:
        """The next event of that name."""
        while (heard := self.hear())[0] != event:
            pass
        return heard

    def hear_of_change(self, kind: str) -> Event:
        """The next change of that kind."""
        while kind not in (heard := self.hear_of("change"))[1]["kinds"]:
            pass
        return heard

    def close(self) -> None:
        """Hang up."""
        self._file.close()
        self._socket.close()

    def _lines(self) -> list[str]:
        """The lines up to an empty one, without those of the chunks that HTTP cuts them into."""
        found: list[str] = []
        while True:
            line = self._file.readline()
            if not line:
                raise EOFError(found)
            text = line.decode().rstrip("\r\n")
            if not text and found:
                return found
            if text and not (line.endswith(b"\r\n") and all(digit in "0123456789abcdef" for digit in text)):
                found.append(text)
