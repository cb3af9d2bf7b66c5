"""Who can be named: agents, and the four names that no agent may take."""

from __future__ import annotations

import re
from typing import Final

MANAGER: Final = "manager"
OPERATOR: Final = "operator"
SYSTEM: Final = "system"
REMINDER: Final = "reminder"
EVERYONE: Final = "*"
DEAF: Final = frozenset({SYSTEM, REMINDER})
"""Who writes, and reads nothing."""
RESERVED: Final = frozenset({MANAGER, OPERATOR, SYSTEM, REMINDER})

_SHAPE = re.compile(r"[a-z][a-z0-9-]*")


def objection(name: str, longest: int) -> str | None:
    """Why `name` can't be a new agent's name, as a sentence; None if it can. `longest` is in characters."""
    if name in RESERVED:
        return f"{name!r} is a reserved name; choose another one"
    if not _SHAPE.fullmatch(name):
        return f"{shown(name)} is no agent name: it must be a lower-case letter, then lower-case letters, digits or '-'"
    if len(name) > longest:
        return f"{shown(name)} has {len(name)} characters; an agent name here has at most {longest}"
    return None


def shown(name: str) -> str:
    """`name` quoted for a sentence, escaped, and cut where it is longer than any name could be."""
    return repr(name) if len(name) <= 64 else repr(name[:64]) + "…"
