"""`python -m tests.browser.screenshots`: the pictures of the README, of a hive in which much goes on, into docs/images.

They are taken at the size in which they are shown, so that each stays below 150 kB.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Final

from tests.browser.chromium import launched
from tests.browser.desk import PHONE, Desk, Window
from tests.browser.lively import Lively
from tests.browser.shots import pages
from tests.daemon.conftest import short_lived

FOLDER: Final = Path(__file__).parent.parent.parent / "docs" / "images"
SIZE: Final = (1120, 720)
PICTURES: Final = (
    ("home", "home", SIZE, "light"),
    ("home-dark", "home", SIZE, "dark"),
    ("home-phone", "home", PHONE, "light"),
    ("approval", "approval-change", SIZE, "light"),
    ("agent-dark", "agent", SIZE, "dark"),
    ("question-phone", "question", PHONE, "dark"),
)
"""Each picture's name, its page, the window's size, and the scheme of colours."""
LARGEST: Final = 150_000


def main() -> int:
    """Take them all; the exit status is 1 where one is too large."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    with launched() as browser, short_lived() as hive:
        desk = Desk(hive, browser)
        lively = Lively(desk)
        lively.begin()
        paths = pages(lively)
        sizes = [_take(desk.window(size, scheme), paths[page], name) for name, page, size, scheme in PICTURES]
        desk.close()
    return int(max(sizes) > LARGEST)


def _take(window: Window, path: str, name: str) -> int:
    picture = FOLDER / f"{name}.png"
    window.go(path).screenshot(path=picture)
    size = picture.stat().st_size
    print(f"{picture}: {size / 1000:.0f} kB")
    return size


if __name__ == "__main__":
    sys.exit(main())
