"""Turns to look at: those under way, with what they are about and what was heard of them last."""

from __future__ import annotations

from collections.abc import Sequence
from sqlite3 import Connection

from attrs import frozen

from hyperhive.store import mail_views, turns
from hyperhive.wire.records import MessageRow
from hyperhive.wire.turns import Turn, TurnEvent

LAST_EVENTS = 8
"""How many of a turn's events are shown of one that is under way."""


@frozen(kw_only=True)
class UnderWay:
    """A turn that goes on: the first message it is about (None: forgotten since), and its last events, newest first."""

    turn: Turn
    about: MessageRow | None
    last: Sequence[TurnEvent]


def under_way(connection: Connection) -> tuple[UnderWay, ...]:
    """The turns under way, the one that began first first."""
    return tuple(_look(connection, turns.one(connection, id_)) for id_ in sorted(turns.under_way(connection).values()))


def _look(connection: Connection, turn: Turn) -> UnderWay:
    about = mail_views.message(connection, min(turn.messages)) if turn.messages else None
    rows = connection.execute(
        "SELECT seq, at, event FROM turn_events WHERE turn = ? ORDER BY seq DESC LIMIT ?", (turn.id, LAST_EVENTS)
    )
    return UnderWay(turn=turn, about=about, last=[TurnEvent(seq=seq, at=at, event=event) for seq, at, event in rows])
