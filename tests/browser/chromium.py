"""Debian's Chromium, driven by playwright; nothing of playwright's own is downloaded."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from playwright.sync_api import Browser, sync_playwright

NAMES: Final = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome")
ABSENT: Final = "there is no Chromium here; on Debian: apt install chromium fonts-dejavu-core"


def path() -> str | None:
    """Where the browser is; None if there is none on PATH."""
    return next((found for name in NAMES if (found := shutil.which(name))), None)


@contextmanager
def launched() -> Iterator[Browser]:
    """The browser, without a window; its own sandbox needs another user than root. Raises FileNotFoundError."""
    where = path()
    if where is None:
        raise FileNotFoundError(ABSENT)
    arguments = ["--disable-dev-shm-usage", *(["--no-sandbox"] if os.geteuid() == 0 else [])]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=where, args=arguments)
        try:
            yield browser
        finally:
            browser.close()
