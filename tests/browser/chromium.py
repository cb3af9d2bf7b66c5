"""Debian's Chromium, driven by playwright; nothing of playwright's own is downloaded."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from playwright.sync_api import Browser, BrowserContext, BrowserType, sync_playwright

NAMES: Final = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome")
ABSENT: Final = "there is no Chromium here; on Debian: apt install chromium fonts-dejavu-core"


def path() -> str | None:
    """Where the browser is; None if there is none on PATH."""
    return next((found for name in NAMES if (found := shutil.which(name))), None)


@contextmanager
def launched() -> Iterator[Browser]:
    """The browser, without a window; its own sandbox needs another user than root. Raises FileNotFoundError."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=_required(), args=_arguments())
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def with_real_tabs(kind: BrowserType) -> Iterator[BrowserContext]:
    """Another one, of whose tabs one is seen and the others are hidden: playwright's own all believe to be seen.

    It tells each of its pages so (`Emulation.setFocusEmulationEnabled`), and takes that back from none. One that it
    did not start itself, and is to leave as it is, it tells nothing.
    """
    with tempfile.TemporaryDirectory(prefix="hive-browser-", ignore_cleanup_errors=True) as folder:
        options = ["--headless=new", "--remote-debugging-port=0", f"--user-data-dir={folder}", "--no-first-run"]
        command = [_required(), *_arguments(), *options, "about:blank"]
        with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as process:
            try:
                browser = kind.connect_over_cdp(_endpoint(process), no_defaults=True)
                yield browser.contexts[0]
                browser.close()
            finally:
                process.terminate()


def _endpoint(process: subprocess.Popen[str]) -> str:
    """Where it listens, as it says. What it says later is let go by."""
    assert process.stderr is not None
    said = (line.partition("DevTools listening on ")[2] for line in process.stderr)
    endpoint = next(address.strip() for address in said if address)
    threading.Thread(target=process.stderr.read, daemon=True).start()
    return endpoint


def _required() -> str:
    where = path()
    if where is None:
        raise FileNotFoundError(ABSENT)
    return where


def _arguments() -> list[str]:
    return ["--disable-dev-shm-usage", *(["--no-sandbox"] if os.geteuid() == 0 else [])]
