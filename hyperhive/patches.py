"""A unified diff, read as one: what is added, what is taken away, and what only looks like a file's head."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from enum import Enum
from typing import Final

from attrs import frozen

_FILE: Final = "diff --git "
_HUNK: Final = re.compile(r"@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@")
_NOWHERE: Final = "/dev/null"


class Part(Enum):
    """What a line of a diff is. `NOTE`: such as that a file lacks its last end of line."""

    FILE = "file"
    HEAD = "head"
    HUNK = "hunk"
    ADDED = "added"
    REMOVED = "removed"
    KEPT = "kept"
    NOTE = "note"


@frozen
class Line:
    """One line of a diff, its sign included; `old` and `new` are its numbers in the file before and after."""

    part: Part
    text: str
    old: int | None = None
    new: int | None = None


@frozen
class File:
    """What a diff says of one file: its path, what becomes of it in a word or two, and the lines of its hunks.

    `head` is what git says of it beside its names, such as its new mode.
    """

    path: str
    what: str
    head: Sequence[str]
    lines: Sequence[Line]

    @property
    def added(self) -> int:
        """How many lines it gains."""
        return sum(line.part is Part.ADDED for line in self.lines)

    @property
    def removed(self) -> int:
        """How many lines it loses."""
        return sum(line.part is Part.REMOVED for line in self.lines)


def lines(diff: str) -> Iterator[Line]:
    """The lines of a unified diff as git writes it.

    A hunk has as many lines as it says: in it `--- x` is the line `-- x` taken away, and no head of a file.
    """
    old = new = old_left = new_left = 0
    for text in diff.removesuffix("\n").split("\n"):
        sign = text[:1]
        if sign == "\\":
            yield Line(Part.NOTE, text)
        elif old_left > 0 or new_left > 0:
            part = {"+": Part.ADDED, "-": Part.REMOVED}.get(sign, Part.KEPT)
            in_old, in_new = part is not Part.ADDED, part is not Part.REMOVED
            yield Line(part, text, old if in_old else None, new if in_new else None)
            old, old_left = old + in_old, old_left - in_old
            new, new_left = new + in_new, new_left - in_new
        elif hunk := _HUNK.match(text):
            old, old_left, new, new_left = (1 if number is None else int(number) for number in hunk.groups())
            yield Line(Part.HUNK, text)
        else:
            yield Line(Part.FILE if text.startswith(_FILE) else Part.HEAD, text)


def files(diff: str) -> list[File]:
    """The files that a diff is about, in its order; none for an empty one."""
    found: list[list[Line]] = []
    for line in lines(diff) if diff else ():
        if line.part is Part.FILE or not found:
            found.append([])
        found[-1].append(line)
    return [_file(own) for own in found]


def _file(own: Sequence[Line]) -> File:
    heads = [line.text for line in own if line.part is Part.HEAD]
    names = {head[:4]: head[4:].removesuffix("\t") for head in heads if head.startswith(("--- ", "+++ "))}
    old, new = names.get("--- ", ""), names.get("+++ ", "")
    path = _without_side(old if new in ("", _NOWHERE) else new) or _named_twice(own[0].text)
    what = "changed"
    if any(head.startswith("new file") for head in heads):
        what = "new file"
    elif any(head.startswith("deleted file") for head in heads):
        what = "deleted"
    said = [head for head in heads if not head.startswith(("--- ", "+++ ", "index "))]
    return File(path, what, said, [line for line in own if line.part not in (Part.FILE, Part.HEAD)])


def _without_side(name: str) -> str:
    """A path without git's `a/` or `b/`; one in quotes stays in them."""
    if name == _NOWHERE:
        return ""
    if name.startswith(('"a/', '"b/')):
        return '"' + name[3:]
    return name[2:] if name.startswith(("a/", "b/")) else name


def _named_twice(first: str) -> str:
    """The path in `diff --git a/x b/x`, for a file of which the diff has no lines."""
    both = first.removeprefix(_FILE)
    return _without_side(both[len(both) // 2 + 1 :])
