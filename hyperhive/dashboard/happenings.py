"""What was heard of a turn last, in a few words."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Final

from hyperhive import stream_words
from hyperhive.stream_words import Word
from hyperhive.wire.turns import TurnEvent

LONGEST: Final = 120


def last_words(events: Sequence[TurnEvent]) -> tuple[str, int] | None:
    """What happened last and when, of a turn's last events, oldest first; None where none of them says anything."""
    for event in reversed(events):
        for word in reversed(stream_words.told(event.event)):
            words = _phrase(word)
            if words:
                return brief(words), event.at
    return None


def brief(text: str, longest: int = LONGEST) -> str:
    """A text on one line, cut where it is long."""
    line = " ".join(text.split())
    return line if len(line) <= longest else line[: longest - 1] + "…"


def _phrase(word: Word) -> str:
    match word.kind:
        case stream_words.CALL:
            return f"uses {word.name}: {_first_text(word.text)}".removesuffix(": ")
        case stream_words.RESULT:
            return "a tool failed" if word.failed else "a tool has answered"
        case stream_words.THOUGHT:
            return "thinks"
        case stream_words.START:
            return "a session began"
        case stream_words.END:
            return "it has come to its end"
        case stream_words.TEXT if word.given:
            return ""
    return word.text


def _first_text(given: str) -> str:
    """The first text that a tool was given, which mostly says what it is to do."""
    found = json.loads(given)
    values = found.values() if isinstance(found, dict) else ()
    return next((value for value in values if isinstance(value, str)), "")
