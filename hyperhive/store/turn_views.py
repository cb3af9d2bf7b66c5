"""Turns to look at: what agents are in the middle of, the end of a stream, and what was spent since when."""

from __future__ import annotations

from collections.abc import Sequence
from sqlite3 import Connection
from typing import Final

from attrs import frozen

from hyperhive.store import mail_views, turns
from hyperhive.store.fitting import fitting
from hyperhive.wire.records import MessageRow
from hyperhive.wire.turns import Turn, TurnEvent

LOOKED_THROUGH: Final = 64
"""How many of a turn's last events are looked through for a call of a tool."""

LAST_EVENTS = 8
"""How many of a turn's events are shown of one that is under way."""


@frozen(kw_only=True)
class UnderWay:
    """A turn that goes on: the first message it is about (None: forgotten since), and its last events, newest first."""

    turn: Turn
    about: MessageRow | None
    last: Sequence[TurnEvent]


@frozen(kw_only=True)
class Glance:
    """What an agent is in the middle of: its open turn, the first message that it is about, its last call of a tool.

    `call` is the event in which that call stands, as its runner wrote it.
    """

    turn: Turn
    mail: MessageRow | None
    call: str | None


@frozen(kw_only=True)
class Spent:
    """What an agent's turns took together. None where no turn said; `turns` is how many there were."""

    turns: int
    tokens: int | None
    cost_micros: int | None


def under_way(connection: Connection) -> tuple[UnderWay, ...]:
    """The turns under way, the one that began first first."""
    return tuple(_look(connection, turns.one(connection, id_)) for id_ in sorted(turns.under_way(connection).values()))


def glances(connection: Connection) -> dict[str, Glance]:
    """For each agent that is in a turn: what it is in the middle of."""
    return {name: _glance(connection, turns.one(connection, id_)) for name, id_ in turns.under_way(connection).items()}


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


def _glance(connection: Connection, turn: Turn) -> Glance:
    row = connection.execute(
        """
        SELECT event FROM (SELECT seq, event FROM turn_events WHERE turn = ? ORDER BY seq DESC LIMIT ?)
        WHERE instr(event, '"tool_use"') ORDER BY seq DESC LIMIT 1
        """,
        (turn.id, LOOKED_THROUGH),
    ).fetchone()
    mail = mail_views.message(connection, turn.messages[0]) if turn.messages else None
    return Glance(turn=turn, mail=mail, call=None if row is None else row[0])


def _look(connection: Connection, turn: Turn) -> UnderWay:
    about = mail_views.message(connection, min(turn.messages)) if turn.messages else None
    rows = connection.execute(
        "SELECT seq, at, event FROM turn_events WHERE turn = ? ORDER BY seq DESC LIMIT ?", (turn.id, LAST_EVENTS)
    )
    return UnderWay(turn=turn, about=about, last=[TurnEvent(seq=seq, at=at, event=event) for seq, at, event in rows])
