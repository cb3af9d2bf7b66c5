"""Calls of tools: what one was given, and what of that tells it from others."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from hyperhive import stream_words
from hyperhive.stream_words import Word

_TELLING: Final = ("command", "file_path", "path", "pattern", "to", "url", "query", "description", "name")
"""What says best what a tool was called for, the best first."""


def given(word: Word) -> Mapping[str, Any]:
    """What a tool was given, by name; empty for anything else."""
    found = json.loads(word.text) if word.kind == stream_words.CALL else None
    return found if isinstance(found, dict) else {}


def telling(given: Mapping[str, Any]) -> str:
    """The text that says best what a tool was called for; empty where it was given none."""
    texts = {name: value for name, value in given.items() if isinstance(value, str)}
    best = (texts[name] for name in _TELLING if name in texts)
    return next(best, next(iter(texts.values()), ""))
