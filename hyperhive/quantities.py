"""Sizes, shares, seconds, counts, commands and choices, as a configuration file writes them.

Each function takes what the file says and returns what it means. Each raises ValueError or TypeError with the words
that a sentence has after "must be".
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable
from typing import Any, Final

SHORTEST_PAUSE: Final = 0.1
LONGEST_PAUSE: Final = 86400
LEAST_MEMORY: Final = 16 * 1024**2
"""Bytes; what a container itself and a shell in it need."""
LEAST_TASKS: Final = 16

_UNITS: Final = {"": 1, "K": 1024, "M": 1024**2, "G": 1024**3, "T": 1024**4}


def command(value: Any) -> tuple[str, ...]:
    """A program and its arguments: a list, or one string that is split like a shell's words."""
    if isinstance(value, list) and value and all(isinstance(item, str) for item in value):
        return tuple(value)
    try:
        words = tuple(shlex.split(value)) if isinstance(value, str) else ()
    except ValueError:
        words = ()
    if not words:
        raise ValueError("a command: a program and its arguments")
    return words


def seconds(value: Any, *, least: float = SHORTEST_PAUSE, most: float = LONGEST_PAUSE) -> float:
    """A time, with or without a fraction."""
    try:
        taken = float(value)
    except (TypeError, ValueError, OverflowError):
        taken = 0.0
    if isinstance(value, bool) or not least <= taken <= most:
        raise ValueError(f"a number of seconds from {least} to {most}")
    return taken


def count(value: Any) -> int:
    """A whole number above 0."""
    written = _written(value)
    if not (written.isascii() and written.isdigit() and len(written) <= 15 and int(written) > 0):
        raise ValueError("a whole number above 0, of at most 15 digits")
    return int(written)


def one_of(*choices: str) -> Callable[[Any], str]:
    """What takes one of those words."""

    def take(value: Any) -> str:
        if value not in choices:
            raise ValueError(" or ".join(repr(choice) for choice in choices))
        return str(value)

    return take


def size(value: Any) -> int:
    """A number of bytes."""
    written = re.fullmatch(r"([1-9][0-9]{0,11})([KMGT]?)", _written(value))
    if written is None:
        raise ValueError("a size: a whole number of bytes, or of K, M, G or T, such as '4G'")
    return int(written[1]) * _UNITS[written[2]]


def memory(value: Any) -> int:
    """A number of bytes that a container can run in."""
    if (taken := size(value)) < LEAST_MEMORY:
        raise ValueError("at least '16M', or nothing can run")
    return taken


def tasks(value: Any) -> int:
    """A number of processes and threads that a container can run with."""
    if (taken := count(value)) < LEAST_TASKS:
        raise ValueError(f"at least {LEAST_TASKS}, or nothing can run")
    return taken


def percent(value: Any) -> int:
    """A share of a processor."""
    written = re.fullmatch(r"([1-9][0-9]{0,5})%", _written(value))
    if written is None:
        raise ValueError("a share of one processor, such as '50%', or '200%' for two of them")
    return int(written[1])


def flag(value: Any) -> bool:
    """True or false, and no number that stands for it."""
    if not isinstance(value, bool):
        raise TypeError("true or false")
    return value


def text(value: Any) -> str:
    """A text that is not empty."""
    if not isinstance(value, str) or not value:
        raise ValueError("a text")
    return value


def _written(value: Any) -> str:
    """A text, or a number as it is written; nothing of anything else, nor of a number that is longer than any taken."""
    if isinstance(value, str):
        return value
    return str(value) if value.__class__ is int and abs(value) < 10**15 else ""
