"""The manual, as it comes with hyperhive."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from hyperhive.hivectl.screen import Screen, written
from hyperhive.hivectl.tree import PAGES

PLACE = Path(__file__).parents[1] / "install"


def show(name: str) -> int:
    """Become man(1) on that page; where nobody looks on, write it as it is. Gives the exit status."""
    page = PLACE / f"{name}.{PAGES[name]}"
    if not sys.stdout.isatty():
        with written():
            sys.stdout.write(page.read_text(encoding="ascii"))
            sys.stdout.flush()
        return 0
    try:
        os.execvp("man", ["man", "-l", str(page)])  # noqa: S606, S607 - the reader's own man, and no shell
    except OSError as error:
        sentence = f"man can't be run: {error.strerror}; 'hivectl man {name} | less' has the page as it is written"
        Screen(sys.stdout, sys.stderr).complain(sentence)
        return 1
