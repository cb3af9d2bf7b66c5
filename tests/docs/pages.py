"""The documentation as its tests read it: pages, and the fenced blocks in them."""

from __future__ import annotations

import re
from pathlib import Path

from attrs import frozen

ROOT = Path(__file__).parents[2]
_FENCE = re.compile(r"^```(\S+)\n(.*?)^```$", re.DOTALL | re.MULTILINE)


@frozen
class Block:
    """A fenced block: its lines, and where it begins."""

    lines: tuple[str, ...]
    place: str


def page(name: str) -> str:
    """The text of a page, named from the top of the repository."""
    return (ROOT / name).read_text(encoding="utf-8")


def blocks(name: str, language: str) -> list[Block]:
    """The blocks of a page in that language, in their order."""
    text = page(name)
    return [
        Block(tuple(found[2].splitlines()), f"{name}:{text.count(chr(10), 0, found.start()) + 1}")
        for found in _FENCE.finditer(text)
        if found[1] == language
    ]
