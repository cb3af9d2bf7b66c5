"""The stream of a turn as a page shows it: what was said, each call of a tool with its result, every other line."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterator, Sequence
from typing import Any, Final

from attrs import define, field, frozen

from hyperhive import stream_words
from hyperhive.stream_words import Word
from hyperhive.wire.turns import TurnEvent

LONGEST: Final = 20_000
"""How many characters of one text are shown."""
BRIEF: Final = 120
_TELLING: Final = ("command", "file_path", "path", "pattern", "to", "url", "query", "description", "name")
"""What of a tool's input says best what it was called for: the first of these that is there."""


@frozen
class DiffLine:
    """One line of a change: `style` is `add`, `del`, or empty for one that stays."""

    style: str
    text: str


@define
class Entry:
    """One thing in a stream. `id` is its own on the page, `word` what it is, `brief` the same in one line.

    `text` is what is shown of the word, `more` how many characters are not. A call has its `result` once that came,
    and a `diff` where it changes a text.
    """

    id: str
    at: int
    word: Word
    text: str
    more: int
    brief: str
    diff: Sequence[DiffLine] = ()
    result: Entry | None = field(default=None)


def entries(turn: int, events: Sequence[TurnEvent]) -> list[Entry]:
    """What those events of that turn say. A result stands with its call, or by itself where that is not among them."""
    found: list[Entry] = []
    calls: dict[str, Entry] = {}
    for event in events:
        for number, word in enumerate(stream_words.told(event.event)):
            entry = _entry(f"turn-{turn}-{event.seq}-{number}", event.at, word)
            call = calls.pop(word.call, None) if word.kind == stream_words.RESULT else None
            if call is not None:
                call.result = entry
                continue
            found.append(entry)
            if word.kind == stream_words.CALL and word.call:
                calls[word.call] = entry
    return found


def _entry(id_: str, at: int, word: Word) -> Entry:
    text, given = word.text, _given(word)
    if given is not None:
        text = "\n".join(f"{name}: {value}" for name, value in _spelled(given))
    shown = text[:LONGEST]
    return Entry(id_, at, word, shown, len(text) - len(shown), _brief(word, given), tuple(_diff(given or {})))


def _given(word: Word) -> dict[str, Any] | None:
    """What a tool was given, by name; None for anything else."""
    if word.kind != stream_words.CALL:
        return None
    given = json.loads(word.text)
    return given if isinstance(given, dict) else None


def _spelled(given: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for name, value in given.items():
        yield name, value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _brief(word: Word, given: dict[str, Any] | None) -> str:
    """One line of it, cut."""
    text = word.text
    for name in _TELLING if given else ():
        if given and isinstance(given.get(name), str):
            text = given[name]
            break
    line = " ".join(text[: 4 * BRIEF].split())
    return line if len(line) <= BRIEF else line[:BRIEF] + "…"


def _diff(given: dict[str, Any]) -> Iterator[DiffLine]:
    """What a call changes, where it puts one text in the place of another."""
    old, new = given.get("old_string"), given.get("new_string")
    if not isinstance(old, str) or not isinstance(new, str) or len(old) + len(new) > LONGEST:
        return
    lines = difflib.unified_diff(old.splitlines(), new.splitlines(), lineterm="", n=3)
    for line in list(lines)[2:]:
        style = {"+": "add", "-": "del", "@": "hunk"}.get(line[:1], "")
        yield DiffLine(style, line)
