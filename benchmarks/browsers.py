"""Debian's Chromium as a reader of the console: what it sees, when, and what it had to fetch for that."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

from attrs import frozen

from benchmarks.errors import NotInstalled, Stalled
from benchmarks.hive import Hive, ask_host

PATIENCE_MS: Final = 20_000
WATCH: Final = """
(marks) => {
  window.seen = {};
  const look = () => {
    const text = document.body.innerText;
    for (const mark of marks) {
      if (!(mark in window.seen) && text.includes(mark)) {
        window.seen[mark] = performance.timeOrigin + performance.now();
      }
    }
  };
  new MutationObserver(look).observe(document.body, {subtree: true, childList: true, characterData: true});
}
"""
"""Has the page note, by the wall clock in milliseconds, when each mark first stood in its text."""
FIRST_LOAD: Final = """
() => new Promise((resolve) => {
  const told = () => {
    const [paint] = performance.getEntriesByName("first-contentful-paint");
    if (!paint) return false;
    const loads = [...performance.getEntriesByType("navigation"), ...performance.getEntriesByType("resource")]
      .filter((load) => !load.name.endsWith("/events"));
    resolve({milliseconds: paint.startTime, bytes: loads.reduce((sum, load) => sum + load.transferSize, 0)});
    return true;
  };
  if (!told()) new PerformanceObserver(told).observe({type: "paint", buffered: true});
})
"""


@frozen
class Browsers:
    """The running browser; each context is a browser of its own to the console, with nothing kept of another's."""

    _browser: Any
    _hive: Hive

    def let_in(self) -> Any:
        """A context with a session; its pages are to be opened."""
        link = str(ask_host(self._hive.layout, {"cmd": "console_link"})["link"])
        context = self._browser.new_context(viewport={"width": 1280, "height": 800})
        context.set_default_timeout(PATIENCE_MS)
        page = context.new_page()
        page.goto(link)
        page.get_by_role("button", name="Open").click()
        page.wait_for_url("**/")
        page.close()
        return context

    def anew(self, context: Any) -> Any:
        """A context with the same session and an empty cache."""
        return self._browser.new_context(viewport={"width": 1280, "height": 800}, storage_state=context.storage_state())


@contextmanager
def chromium(hive: Hive) -> Iterator[Browsers]:
    """A browser for that hive's console. Raises `NotInstalled`."""
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        raise NotInstalled("playwright is not installed (make venv).") from None
    path = shutil.which("chromium")
    if path is None:
        raise NotInstalled("chromium is not installed (apt install chromium fonts-dejavu-core).")
    arguments = ["--disable-dev-shm-usage", *(["--no-sandbox"] if os.geteuid() == 0 else [])]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=arguments)
        try:
            yield Browsers(browser, hive)
        finally:
            browser.close()


def delay_until_seen(page: Any, mark: str, change: Callable[[], float]) -> float:
    """Milliseconds from the wall clock's time in seconds that `change` returns, until the page shows the mark.

    Raises `Stalled` if it does not.
    """
    page.evaluate(WATCH, [mark])
    began = change()
    from playwright.sync_api import TimeoutError as Late

    try:
        page.wait_for_function("(mark) => mark in window.seen", arg=mark)
    except Late:
        raise Stalled(f"a page did not show {mark!r} within {PATIENCE_MS / 1000:.0f} seconds") from None
    seen = float(page.evaluate("(mark) => window.seen[mark]", mark))
    return seen - began * 1000
