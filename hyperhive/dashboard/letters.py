"""Messages as pages show them: their state in words, their first words, and how a conversation is laid out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import attrs

from hyperhive.dashboard.templating import brief
from hyperhive.wire.codec import WireError, event_of_body, snake_case
from hyperhive.wire.names import SYSTEM
from hyperhive.wire.records import MessageRow
from hyperhive.wire.states import MessageState

STATES: Final[Mapping[MessageState, tuple[str, str]]] = {
    MessageState.QUEUED: ("queued", "idle"),
    MessageState.LEASED: ("in hand", "busy"),
    MessageState.DONE: ("done", "ok"),
    MessageState.DEAD: ("dead", "bad"),
    MessageState.HELD: ("held", "warn"),
}
"""Each state's word, and its tone."""
_NAMES: Final = {"killed": "stopped"}
"""Events whose name on the wire says something else to people."""
FIRST_WORDS: Final = 160
DEEPEST: Final = 6
"""How far a reply is indented at most."""


def beginning(row: MessageRow) -> str:
    """The first words of a message, on one line; an event of the hive's in words."""
    return brief(_told(row), FIRST_WORDS)


def depths(thread: Sequence[MessageRow]) -> Mapping[int, int]:
    """How deep each message of a conversation stands below its beginning, by its id."""
    found: dict[int, int] = {}
    for row in thread:
        above = None if row.in_reply_to is None else found.get(row.in_reply_to)
        found[row.id] = 0 if above is None else min(above + 1, DEEPEST)
    return found


def _told(row: MessageRow) -> str:
    if row.sender != SYSTEM:
        return row.body
    try:
        event = event_of_body(row.body)
    except WireError:  # it was cut, or an older hive wrote it
        return row.body
    said = (f"{name.replace('_', ' ')} {value}" for name, value in _values(event))
    name = snake_case(type(event).__name__)
    return f"{_NAMES.get(name, name.replace('_', ' '))}: {', '.join(said)}"


def _values(event: object) -> list[tuple[str, str]]:
    given = attrs.asdict(event, recurse=False)  # type: ignore[arg-type] # every event is an attrs class
    return [(name, _word(value)) for name, value in given.items() if value not in (None, (), "")]


def _word(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, tuple):
        return " and ".join(map(str, value))
    return str(getattr(value, "value", value))
