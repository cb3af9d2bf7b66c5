"""Another user's server on this machine: cookies know no ports, so what it is sent depends on names alone."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from tests.browser.desk import Desk, Window

GUESSES = (
    "hive.localhost",
    "localhost",
    "127.0.0.1",
    "hive-.localhost",
    "console.hive.localhost",
    "hyperhive.localhost",
)
STEALS = "fetch('/steal', {credentials: 'include'}).then((answer) => answer.text())"
PLANTS = "document.cookie = 'hive-session=planted; path=/; domain=' + %r"


class Thief:
    """Listens at a port of its own, and notes what it is sent; `cookies` has a line for each request."""

    def __init__(self) -> None:
        self.cookies: list[str] = []
        thief = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                thief.cookies.append(self.headers.get("Cookie", ""))
                self.send_response(200)
                self.send_header("Content-Type", "text/html")
                self.end_headers()
                self.wfile.write(b"<link rel=icon href=data:,>stolen")

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        """Listen no more."""
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def thief() -> Iterator[Thief]:
    thief = Thief()
    yield thief
    thief.close()


def cookies(window: Window) -> list[tuple[str, str]]:
    """The cookies that the browser would send to the console: their names and values."""
    return [(cookie["name"], cookie["value"]) for cookie in window.context.cookies(window.page.url)]


def test_a_server_at_another_port_is_never_sent_the_key_by_a_name_that_can_be_guessed(desk: Desk, thief: Thief) -> None:
    page = desk.window().page
    for name in GUESSES:
        page.goto(f"http://{name}:{thief.port}/")
        assert page.evaluate(STEALS).endswith("stolen")
    assert thief.cookies == [""] * 2 * len(GUESSES)


def test_a_server_that_knew_the_name_would_be_sent_the_key(desk: Desk, thief: Thief) -> None:
    """So that the tests above look for what there is to be seen."""
    page = desk.window().page
    page.goto(f"{desk.url.rpartition(':')[0]}:{thief.port}/")
    assert "hive-session=" in thief.cookies[0]


def test_a_server_at_another_port_can_plant_no_cookie_on_the_console(desk: Desk, thief: Thief) -> None:
    window = desk.window()
    own = cookies(window)
    page = window.tab("/")
    for name in GUESSES:
        page.goto(f"http://{name}:{thief.port}/")
        for domain in (name, "hive.localhost", "localhost"):
            page.evaluate(PLANTS % domain)
    window.go("/")
    assert cookies(window) == own
