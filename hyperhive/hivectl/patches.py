"""A unified diff in its colours."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from hyperhive import patches
from hyperhive.hivectl.page import Verbatim
from hyperhive.patches import Part

ADDED: Final = "green"
REMOVED: Final = "red"
HUNK: Final = "cyan"
HEAD: Final = "bold"
_STYLES: Final = {
    Part.ADDED: ADDED, Part.REMOVED: REMOVED, Part.HUNK: HUNK, Part.FILE: HEAD, Part.HEAD: HEAD, Part.NOTE: "dim",
}  # fmt: skip


def styled_lines(diff: str) -> Iterator[Verbatim]:
    """The lines of a unified diff in its colours."""
    for line in patches.lines(diff):
        yield Verbatim(line.text, _STYLES.get(line.part, ""))
