"""What strangers wrote, made harmless for a terminal."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from hyperhive.unseen import is_plain, told_apart

_CONTROLS: Final = (*range(0x20), *range(0x7F, 0xA0))
_BIDI: Final = (0x061C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A))
_LINE_ENDS: Final = (0x2028, 0x2029)
_SURROGATES: Final = range(0xD800, 0xE000)


def escape(text: str) -> str:
    r"""`text` with every control character but newline and tab, and every bidi override, spelled out as `\x1b`."""
    return text if text.isascii() and text.isprintable() else text.translate(_SPELLED)


def revealed(text: str) -> str:
    r"""`text` with everything that is not plainly seen, but the tab, as `<U+202E>`: for what somebody agrees to.

    Beyond what `escape` spells out these are line ends, spaces that are not the space, invisible and unassigned
    characters, and marks that would be drawn over an ASCII character, as a stroke that makes a `+` of a `-`.
    """
    if is_plain(text):
        return text
    return "".join(char if seen else f"<U+{ord(char):04X}>" for char, seen in told_apart(text))


def one_line(text: str) -> str:
    """`text` escaped, on one line, every run of white space a single space: for the eye."""
    return " ".join(escape(text).split())


def one_field(text: str) -> str:
    r"""`text` escaped, newlines and tabs spelled out too: for programs that read a line at a time."""
    return escape(text).replace("\n", "\\n").replace("\t", "\\t")


def shortened(text: str, longest: int) -> str:
    """`text` on one line of at most `longest` characters."""
    line = one_line(text)
    return line if len(line) <= longest else line[: longest - 1] + "…"


def _spelled(points: Iterable[int]) -> dict[int, str]:
    return {point: f"\\x{point:02x}" if point < 0x100 else f"\\u{point:04x}" for point in points}


_SPELLED: Final = {
    point: spelling
    for point, spelling in _spelled((*_CONTROLS, *_BIDI, *_LINE_ENDS, *_SURROGATES)).items()
    if point not in {0x09, 0x0A}
}
