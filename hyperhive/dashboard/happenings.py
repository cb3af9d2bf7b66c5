"""What was heard of a turn last, in words; its runner wrote it, most runners as a coding agent's stream of JSON."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, Final

from hyperhive.wire.turns import TurnEvent

LONGEST: Final = 120


def last_words(events: Sequence[TurnEvent]) -> tuple[str, int] | None:
    """What happened last and when, of a turn's last events, newest first; None where none of them says anything."""
    for event in events:
        words = _words(event.event)
        if words:
            return brief(words), event.at
    return None


def brief(text: str, longest: int = LONGEST) -> str:
    """A text on one line, cut where it is long."""
    line = " ".join(text.split())
    return line if len(line) <= longest else line[: longest - 1] + "…"


def _words(line: str) -> str | None:
    try:
        event = json.loads(line)
    except ValueError:
        return line
    if not isinstance(event, dict):
        return line
    try:
        return _told(event)
    except (AttributeError, KeyError, TypeError, IndexError):
        return None


def _told(event: dict[str, Any]) -> str | None:
    match event.get("type"):
        case "assistant" | "user":
            content = event["message"]["content"]
            if isinstance(content, str):
                return content if event["type"] == "assistant" else None
            return next(filter(None, (_part(part) for part in reversed(content))), None)
        case "system":
            return "a session began" if event.get("subtype") == "init" else None
        case "hyperhive":
            return str(event["note"])
        case "result":
            return "it has come to its result"
    return None


def _part(part: dict[str, Any]) -> str | None:
    match part.get("type"):
        case "tool_use":
            given = part.get("input") or {}
            first = next((value for value in given.values() if isinstance(value, str)), "")
            return f"uses {part['name']}: {first}" if first else f"uses {part['name']}"
        case "tool_result":
            return "a tool failed" if part.get("is_error") else "a tool has answered"
        case "thinking":
            return "thinks"
        case "text":
            return f"says: {part['text']}"
    return None
