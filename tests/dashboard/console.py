"""A browser of few words: requests to the console of a real daemon, with the cookie and the token of a session."""

from __future__ import annotations

import socket
from collections.abc import Mapping
from http.client import HTTPConnection
from urllib.parse import quote, urlencode, urlsplit

from hyperhive.dashboard.guard import token_of
from tests.daemon.client import PATIENCE
from tests.daemon.harness import Hive
from tests.dashboard.shown import Shown

FREE = ("--dashboard", "127.0.0.1:0")
"""The options of a daemon whose console is at a port that nobody else has."""


class Console:
    """One session. `url` is where the console is, `key` what the cookie holds; None lets nobody in."""

    def __init__(self, url: str, key: str | None = None) -> None:
        self.url = url
        self.key = key

    @classmethod
    def opened(cls, hive: Hive, *, read_only: bool = False) -> Console:
        """A session that a link of that hive's opened."""
        with hive.host() as host:
            link = host.ask("console_link", **({"read_only": True} if read_only else {}))["link"]
        url, _, word = link.partition("/open?word=")
        console = cls(url)
        answer = console.send("/open", {"word": word})
        assert answer.status == 303, answer.text
        console.key = answer.headers["set-cookie"].partition(";")[0].removeprefix("hive-session=")
        return console

    @property
    def host(self) -> str:
        """The console's own name, with its port."""
        return urlsplit(self.url).netloc

    def get(self, path: str, **query: str) -> Shown:
        """The page at that path."""
        return self.request("GET", f"{path}?{urlencode(query)}" if query else path)

    def post(self, path: str, **fields: str | list[str]) -> Shown:
        """What is shown once a form was sent: the page that the answer leads to, or the refusal itself."""
        answer = self.send(path, fields)
        return self.get(answer.headers["location"]) if answer.status == 303 else answer

    def send(self, path: str, fields: Mapping[str, str | list[str]], **headers: str) -> Shown:
        """The answer itself to a form that one of the session's own pages sends."""
        token = {} if self.key is None else {"token": token_of(self.key)}
        body = urlencode({**token, **fields}, doseq=True).encode()
        own = {"Origin": self.url, "Sec-Fetch-Site": "same-origin", "Content-Type": "application/x-www-form-urlencoded"}
        return self.request("POST", path, body, {**own, **headers})

    def raw(self, said: bytes, *, ends: bool = False) -> bytes:
        """All that is answered to those bytes, up to the end of the connection; `ends`: they are known to be all."""
        with socket.create_connection(("127.0.0.1", urlsplit(self.url).port or 0), PATIENCE) as connection:
            connection.sendall(said)
            if ends:
                connection.shutdown(socket.SHUT_WR)
            heard = b""
            while data := connection.recv(65536):
                heard += data
        return heard

    def request(
        self, method: str, path: str, body: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> Shown:
        """The answer to any request; headers come on top of `Host` and the cookie, or stand in their place."""
        cookie = {} if self.key is None else {"Cookie": f"hive-session={self.key}"}
        connection = HTTPConnection("127.0.0.1", urlsplit(self.url).port, timeout=PATIENCE)
        given = {"Host": self.host, **cookie, **(headers or {})}
        try:
            connection.request(method, quote(path, safe="/?&=%:+"), body, given)
            answer = connection.getresponse()
            names = {name.lower(): value for name, value in answer.getheaders()}
            stream = names.get("content-type", "").startswith("text/event-stream")
            return Shown(answer.status, names, b"" if stream else answer.read(), path)  # a stream has no end
        finally:
            connection.close()
