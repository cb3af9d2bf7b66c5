"""A unified diff, read as one: what is added, what is taken away, and what only looks like a file's head."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from hyperhive.hivectl.page import Verbatim

ADDED: Final = "green"
REMOVED: Final = "red"
HUNK: Final = "cyan"
HEAD: Final = "bold"
_HUNK: Final = re.compile(r"@@ -\d+(?:,(\d+))? \+\d+(?:,(\d+))? @@")


def styled_lines(diff: str) -> Iterator[Verbatim]:
    """The lines of a unified diff in its colours.

    A hunk has as many lines as it says: in it `--- x` is the line `-- x` taken away, and no head of a file.
    """
    old = new = 0
    for line in diff.removesuffix("\n").split("\n"):
        sign = line[:1]
        if line.startswith("\\"):
            yield Verbatim(line, "dim")
        elif old > 0 or new > 0:
            old -= sign != "+"
            new -= sign != "-"
            yield Verbatim(line, {"+": ADDED, "-": REMOVED}.get(sign, ""))
        elif hunk := _HUNK.match(line):
            old, new = (1 if count is None else int(count) for count in hunk.groups())
            yield Verbatim(line, HUNK)
        else:
            yield Verbatim(line, HEAD)
