"""Halves of characters: JSON can say half of a surrogate pair (a text that was cut in an emoji), and UTF-8 can't."""

from __future__ import annotations

import re
from typing import Final

INSTEAD: Final = r"\ufffd"
_ESCAPE: Final = re.compile(
    r"""\\(?: u d[89ab][0-9a-f]{2} \\u d[c-f][0-9a-f]{2}  # both halves
            | (u d[89a-f][0-9a-f]{2})                     # one half
            | . )""",
    re.VERBOSE | re.IGNORECASE | re.DOTALL,
)


def made_whole(text: str) -> str:
    """The same JSON, where each half of a character is the character that stands for an unreadable one."""
    if r"\ud" not in text and r"\uD" not in text:
        return text
    return _ESCAPE.sub(lambda escape: INSTEAD if escape[1] else escape[0], text)
