"""The stream of a turn as a page shows it: what was said, each call of a tool with its result, every other line."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from attrs import define, field, frozen

from hyperhive import stream_words
from hyperhive.dashboard import calls
from hyperhive.dashboard.templating import brief
from hyperhive.stream_words import Word
from hyperhive.wire.turns import TurnEvent

LONGEST: Final = 20_000
"""How many characters of one text are shown."""
COMPARED: Final = 1000
"""How many lines a change may have, old and new together, to be told line by line; comparing takes their square."""
ALL_COMPARED: Final = 5000
"""And all the changes of one page."""


@frozen
class DiffLine:
    """A line of a change, or all its lines of one style: that is `add`, `del`, or empty for what stays."""

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
    room = _Room()
    waiting: dict[str, Entry] = {}
    for event in events:
        for number, word in enumerate(stream_words.told(event.event)):
            entry = _entry(f"turn-{turn}-{event.seq}-{number}", event.at, word, room)
            call = waiting.pop(word.call, None) if word.kind == stream_words.RESULT else None
            if call is not None:
                call.result = entry
                continue
            found.append(entry)
            if word.kind == stream_words.CALL and word.call:
                waiting[word.call] = entry
    return found


@define
class _Room:
    """How many lines of changes may still be compared for a page."""

    left: int = ALL_COMPARED

    def takes(self, lines: int) -> bool:
        """Whether so many may be, which are then taken."""
        fits = lines <= min(COMPARED, self.left)
        self.left -= lines if fits else 0
        return fits


def _entry(id_: str, at: int, word: Word, room: _Room) -> Entry:
    given = calls.given(word)
    text = "\n".join(f"{name}: {value}" for name, value in _spelled(given)) or word.text
    about = brief((calls.telling(given) or word.text)[:LONGEST])
    shown = text[:LONGEST]
    return Entry(id_, at, word, shown, len(text) - len(shown), about, tuple(_diff(given, room)))


def _spelled(given: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for name, value in given.items():
        yield name, value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _diff(given: Mapping[str, Any], room: _Room) -> Iterator[DiffLine]:
    """What a call changes, where it puts one text in the place of another."""
    old, new = given.get("old_string"), given.get("new_string")
    if not isinstance(old, str) or not isinstance(new, str) or len(old) + len(new) > LONGEST:
        return
    before, after = old.splitlines(), new.splitlines()
    if not room.takes(len(before) + len(after)):
        yield DiffLine("del", "\n".join(f"-{line}" for line in before))
        yield DiffLine("add", "\n".join(f"+{line}" for line in after))
        return
    lines = difflib.unified_diff(before, after, lineterm="", n=3)
    for line in list(lines)[2:]:
        style = {"+": "add", "-": "del", "@": "hunk"}.get(line[:1], "")
        yield DiffLine(style, line)
