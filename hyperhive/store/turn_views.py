"""Turns to look at: those under way, what they are about and what was heard of them last, and what was spent."""

from __future__ import annotations

from collections.abc import Sequence
from sqlite3 import Connection

from attrs import frozen

from hyperhive.store import mail_views, turns
from hyperhive.store.fitting import fitting
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


@frozen(kw_only=True)
class Spent:
    """What an agent's turns took together. None where no turn said; `turns` is how many there were."""

    turns: int
    tokens: int | None
    cost_micros: int | None


def under_way(connection: Connection) -> tuple[UnderWay, ...]:
    """The turns under way, the one that began first first."""
    return tuple(_look(connection, turns.one(connection, id_)) for id_ in sorted(turns.under_way(connection).values()))


def about(connection: Connection, turn: Turn) -> tuple[MessageRow, ...]:
    """The mail that the turn began with, without what is forgotten."""
    found = (mail_views.message(connection, id_) for id_ in turn.messages)
    return tuple(message for message in found if message is not None)


def tail(connection: Connection, id_: int, most: int) -> tuple[TurnEvent, ...]:
    """The last events of a turn, oldest first: at most so many, and as many as fit on a line."""
    rows = connection.execute(
        "SELECT seq, at, event FROM turn_events WHERE turn = ? ORDER BY seq DESC LIMIT ?", (id_, most)
    )
    kept = [TurnEvent(seq=seq, at=at, event=event) for seq, at, event in fitting(rows, (2,))]
    return tuple(reversed(kept))


def spent(connection: Connection, since: int) -> dict[str, Spent]:
    """By the agents' names: what their turns took that began at that time or later."""
    rows = connection.execute(
        """
        SELECT agent, count(*),
            sum(coalesce(usage ->> 'input_tokens', usage ->> 'output_tokens') + 0) IS NOT NULL,
            sum(coalesce(usage ->> 'input_tokens', 0) + coalesce(usage ->> 'output_tokens', 0)),
            sum(usage ->> 'cost_micros')
        FROM turns WHERE started_at >= ? GROUP BY agent
        """,
        (since,),
    )
    return {
        agent: Spent(turns=count, tokens=tokens if counted else None, cost_micros=cost)
        for agent, count, counted, tokens, cost in rows
    }


def _look(connection: Connection, turn: Turn) -> UnderWay:
    about = mail_views.message(connection, min(turn.messages)) if turn.messages else None
    rows = connection.execute(
        "SELECT seq, at, event FROM turn_events WHERE turn = ? ORDER BY seq DESC LIMIT ?", (turn.id, LAST_EVENTS)
    )
    return UnderWay(turn=turn, about=about, last=[TurnEvent(seq=seq, at=at, event=event) for seq, at, event in rows])
