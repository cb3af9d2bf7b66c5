"""The operator's desk: a hive with a console, and browsers that are let into it, each watched for complaints."""

from __future__ import annotations

import socket
from collections.abc import Callable
from typing import Any, Final

from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Response

from tests.browser.relay import Relay
from tests.daemon.client import Answer
from tests.daemon.harness import Daemon, Hive

WIDE: Final = (1280, 800)
PHONE: Final = (390, 844)
PATIENCE: Final = 10_000
"""Milliseconds after which a test gives up looking at a page; what goes well takes a fraction of a second."""

HEAR: Final = """
(kind) => {
  window.told = new Promise((done) => {
    addEventListener("hive:change", ({ detail: kinds }) => { if (kind ? kinds?.includes(kind) : !kinds) done(); });
  });
}
"""
"""Has a page keep as `told` the promise that it will be told of such a change; of None: that it missed some."""
KNOWS: Final = """
(hidden) => new Promise((done) => {
  const look = () => { if (document.hidden === hidden) done(); };
  document.addEventListener("visibilitychange", look);
  look();
})
"""


class Desk:
    """A hive with a console at a port of its own, which the daemons of that hive take one after the other."""

    def __init__(self, hive: Hive, browser: Browser) -> None:
        self.hive = hive
        self._browser = browser
        self.windows: list[Window] = []
        self.port = free_port()
        self.url = ""
        """The console as browsers call it, once a daemon has said that."""

    def start(self, *options: str, program: str = "") -> Daemon:
        """A daemon with the console."""
        daemon = self.hive.start("--dashboard", f"127.0.0.1:{self.port}", *options, program=program)
        self.url = self.ask("agent_status")["console"]["url"]
        return daemon

    def start_behind(self, relay: Relay) -> Daemon:
        """A daemon whose console browsers call by the relay."""
        config = self.hive.base / "hive.toml"
        config.write_text(f'dashboard_url = "http://hive.localhost:{relay.port}"\n')
        return self.start("--config", str(config))

    def ask(self, cmd: str, **fields: Any) -> Answer:
        """The operator asks on the host's socket, and is not refused."""
        with self.hive.host() as host:
            answer = host.ask(cmd, **fields)
        assert answer["ok"], answer
        return answer

    def link(self, *, read_only: bool = False) -> str:
        """An address that lets a browser in, once."""
        return str(self.ask("console_link", read_only=read_only)["link"])

    def window(
        self, size: tuple[int, int] = WIDE, scheme: Any = "light", *, read_only: bool = False, scripts: bool = True
    ) -> Window:
        """A browser that nobody else's cookies are in, let in, at Home; without `scripts` it runs none."""
        return self._let_in(self.stranger(size, scheme, scripts=scripts), read_only=read_only)

    def tabbed(self, context: BrowserContext) -> Window:
        """That browser, let in, at Home."""
        return self._let_in(self._watched(context))

    def stranger(self, size: tuple[int, int] = WIDE, scheme: Any = "light", *, scripts: bool = True) -> Window:
        """A browser that is not let in."""
        context = self._browser.new_context(
            viewport={"width": size[0], "height": size[1]},
            color_scheme=scheme,
            java_script_enabled=scripts,
            locale="en-GB",
            timezone_id="UTC",
        )
        return self._watched(context)

    def _watched(self, context: BrowserContext) -> Window:
        window = Window(context, self.url)
        self.windows.append(window)
        return window

    def _let_in(self, window: Window, *, read_only: bool = False) -> Window:
        window.page.goto(self.link(read_only=read_only))
        window.page.get_by_role("button", name="Open").click()
        window.page.wait_for_url(f"{self.url}/")
        return window

    def close(self) -> None:
        """Leave the console in every browser. Fails with what any of them complained of.

        Their cookies go with Chromium's end: to close one browser's alone was seen now and then never to return.
        """
        windows, self.windows = self.windows, []
        for window in windows:
            window.leave()
        faults = [fault for window in windows for fault in window.faults]
        assert not faults, "\n".join(faults)


class Window:
    """One browser's cookies and tabs; `page` is its first tab.

    `faults` are the errors of scripts, the policy's refusals, and answers of 400 and more, except those that
    `expected` says yes to.
    """

    def __init__(self, context: BrowserContext, url: str) -> None:
        self.context = context
        self.faults: list[str] = []
        self.expected: Callable[[str], bool] = lambda _: False
        self._url = url
        context.set_default_timeout(PATIENCE)
        context.on("console", self._heard)
        context.on("weberror", lambda error: self._fault(f"a script failed: {error.error}"))
        context.on("response", self._answered)
        self.page = context.new_page()

    def go(self, path: str) -> Page:
        """The first tab, at that path."""
        self.page.goto(f"{self._url}{path}")
        return self.page

    def leave(self) -> None:
        """Have no tab follow the hive any more."""
        self.expected = lambda _: True
        self.context.set_offline(offline=True)

    def tab(self, path: str) -> Page:
        """Another tab, at that path."""
        page = self.context.new_page()
        page.goto(f"{self._url}{path}")
        return page

    def _heard(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            self._fault(f"the browser's console: {message.text} ({message.location.get('url', '')})")

    def _answered(self, response: Response) -> None:
        if response.status >= 400:
            self._fault(f"{response.status} for {response.request.method} {response.url}")

    def _fault(self, fault: str) -> None:
        if not self.expected(fault):
            self.faults.append(fault)


def show(page: Page) -> None:
    """Bring a tab to the front, and return once it and all others know."""
    page.bring_to_front()
    for tab in page.context.pages:
        tab.evaluate(KNOWS, tab is not page)


def free_port() -> int:
    """A port of 127.0.0.1 that nobody listens at."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])
