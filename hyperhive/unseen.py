"""What nobody sees in a text, and what makes a text look like another: for what somebody agrees to."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

UNSEEN: Final = frozenset(
    map(
        chr,
        (
            0x034F, 0x115F, 0x1160, 0x17B4, 0x17B5, *range(0x180B, 0x1810), 0x2800, 0x3164, *range(0xFE00, 0xFE10),
            0xFFA0, *range(0xE0100, 0xE01F0),
        ),
    )
)  # fmt: skip
"""What Unicode calls printable, and nobody sees: joiners, fillers, variation selectors, an empty Braille cell."""

_DRAWN_OVER: Final = frozenset({"Mn", "Me"})
"""The categories of what has no place of its own and goes over the character before it."""


def is_plain(text: str) -> bool:
    """Whether all of it is plainly seen; False says nothing."""
    return text.isascii() and text.isprintable()


def told_apart(text: str, plain: str = "\t") -> Iterator[tuple[str, bool]]:
    """Each character, and whether it is plainly seen; those in `plain` count as seen.

    Those that are not are controls, line ends, spaces that are not the space, what turns the order of others, invisible
    and unassigned characters, and marks that would be drawn over an ASCII character, as a stroke that makes a `+` of a
    `-`.
    """
    from unicodedata import category  # noqa: PLC0415 - hivectl begins without it

    bare = True
    for char in text:
        over = category(char) in _DRAWN_OVER
        seen = char in plain or (char.isprintable() and char not in UNSEEN and not (over and bare))
        yield char, seen
        bare = bare if over else char.isascii() or not seen
