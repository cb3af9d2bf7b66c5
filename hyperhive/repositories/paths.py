"""Which names files of a configuration may have: those that look on every screen and disk like what they are."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

LONGEST_COMPONENT: Final = 255
LONGEST_PATH: Final = 1024

# Letters and marks that show nothing: joiners, fillers, variation selectors.
_UNSEEN = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]"
)
_GIT = frozenset({".git", "git~1"})


def objection(path: bytes) -> str | None:
    """Why a file of a configuration can't have that path, with the path as a sentence shows it; None if it can."""
    try:
        text = path.decode()
    except UnicodeDecodeError:
        return f"{shown(path)} is no UTF-8: name it with letters that every tool can read"
    if len(path) > LONGEST_PATH:
        return f"{shown(path)} has a path of {len(path)} bytes, and {LONGEST_PATH} are the most"
    if unseen := next((one for one in text if not _is_seen(one)), None):
        return f"{shown(path)} has U+{ord(unseen):04X} in its name, which can't be seen: name it without"
    if "\\" in text:
        return f"{shown(path)} has a backslash in its name: name it without"
    for component in text.split("/"):
        if fault := _fault(component):
            return f"{shown(path)} can't be kept: {fault}"
    return None


def shown(path: bytes) -> str:
    """A path quoted for a sentence, whatever it is made of, and cut where it is long."""
    text = ascii(path.decode(errors="surrogateescape")) if not _is_plain(path) else repr(path.decode())
    return text if len(text) <= 120 else text[:120] + "…'"


def _is_plain(path: bytes) -> bool:
    text = path.decode(errors="replace")
    return "\ufffd" not in text and all(map(_is_seen, text))


def _is_seen(one: str) -> bool:
    return one == " " or (one.isprintable() and unicodedata.category(one) != "Zs" and not _UNSEEN.match(one))


def _fault(component: str) -> str | None:
    """What is wrong with one component of a path."""
    if component in {"", ".", ".."}:
        return "its path is none"
    if len(component.encode()) > LONGEST_COMPONENT:
        return f"a name in its path is longer than {LONGEST_COMPONENT} bytes"
    # As file systems of other machines fold names: they ignore what stands at the end, or after a colon.
    folded = component.split(":", maxsplit=1)[0].rstrip(". ").casefold()
    if folded in _GIT:
        return f"{component!r} is a name of git's own"
    if folded == ".gitmodules":
        return "submodules lead elsewhere; put the files themselves into the configuration"
    return None
