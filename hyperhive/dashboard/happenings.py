"""What was heard of a turn last, in words; its runner wrote it, most runners as a coding agent's stream of JSON."""

from __future__ import annotations

from collections.abc import Sequence

from hyperhive import stream_words
from hyperhive.dashboard import calls
from hyperhive.dashboard.templating import brief
from hyperhive.stream_words import Word
from hyperhive.wire.turns import TurnEvent


def last_words(events: Sequence[TurnEvent]) -> tuple[str, int] | None:
    """What happened last and when, of a turn's last events, newest first; None where none of them says anything."""
    for event in events:
        words = _words(event.event)
        if words:
            return brief(words), event.at
    return None


def _words(line: str) -> str | None:
    words = (_told(word) for word in reversed(stream_words.told(line)))
    return next((text for text in words if text), None)


def _told(word: Word) -> str | None:
    match word.kind:
        case stream_words.TEXT:
            return None if word.given else f"says: {word.text}"
        case stream_words.CALL:
            about = calls.telling(calls.given(word))
            return f"uses {word.name}: {about}" if about else f"uses {word.name}"
        case stream_words.RESULT:
            return "a tool failed" if word.failed else "a tool has answered"
        case stream_words.THOUGHT:
            return "thinks"
        case stream_words.START:
            return "a session began"
        case stream_words.END:
            return "it has come to its result"
        case stream_words.NOTE:
            return word.text
        case stream_words.LINE if not word.text.startswith("{"):
            return word.text
    return None
