"""The tables of turns: one row a turn, at most one open an agent, and what its runner wrote in it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from sqlite3 import Connection
from typing import Any, Final

from attrs import asdict, frozen

from hyperhive.errors import Refused, UnknownAgent
from hyperhive.limits import MOST_TURN_EVENTS, TURN_EVENTS_BYTES
from hyperhive.store import agents, kept_replies, leases
from hyperhive.store.fitting import fitting
from hyperhive.store.rows import the_row
from hyperhive.wire.states import TurnOutcome
from hyperhive.wire.turns import Turn, TurnEvent, Usage

_SELECT = """
    SELECT id, agent, generation, runner, messages, started_at, ended_at, outcome, error, usage, events FROM turns
"""
_TEXTS = (4, 8, 9)
"""The columns that may be long: its mail, its error, its usage."""
_LOOKED_AT = 64
"""How many turns are looked at: a message that comes back is tried again before others."""
CUT: Final = json.dumps({"type": "hyperhive", "subtype": "cut", "note": "what the runner wrote after this is not kept"})
"""The last event of a turn whose stream was longer than what is kept."""


@frozen(kw_only=True)
class Opening:
    """A turn that is to begin. `handed`: what is known to be leased to the agent and not just to a connection."""

    agent: str
    ids: Sequence[int]
    handed: frozenset[int]
    runner: str
    model: str | None
    at: int


def repeated(connection: Connection, opening: Opening) -> int | None:
    """The open turn that this very request has opened, as where the answer to it was lost.

    It is about the same mail of the same start, and nothing has come of it yet.
    """
    id_ = open_of(connection, opening.agent)
    if id_ is None:
        return None
    turn = one(connection, id_)
    asked = (turn.messages, turn.runner, turn.usage.model, turn.generation)
    same = asked == (tuple(opening.ids), opening.runner, opening.model, agents.generation(connection, opening.agent))
    fetched = leases.leased_in(connection, opening.agent, id_) - set(opening.ids)
    untouched = turn.events == 0 and kept_replies.count(connection, id_) == 0 and not fetched
    return id_ if same and untouched else None


def check_in_hand(connection: Connection, opening: Opening) -> None:
    """Raises Refused unless all that the turn is to be about is in the agent's hands."""
    strange = set(opening.ids) - (set(leases.leased(connection, opening.agent, opening.ids)) & opening.handed)
    if strange:
        message = (
            f"message {min(strange)} is not in the hands of '{opening.agent}'; a turn is about messages that 'recv' "
            f"with 'max' has handed out and that were neither settled nor put back since"
        )
        raise Refused(message)


def begin(connection: Connection, opening: Opening) -> int:
    """Open a turn of an agent that has none; its id."""
    mail = json.dumps(list(opening.ids))
    cursor = connection.execute(
        """
        INSERT INTO turns (agent, generation, runner, messages, started_at, usage)
        SELECT name, generation, ?, ?, ?, ? FROM agents WHERE name = ?
        """,
        (opening.runner, mail, opening.at, _written(Usage(model=opening.model)), opening.agent),
    )
    turn = int(cursor.lastrowid or 0)
    connection.execute("UPDATE messages SET turn = ? WHERE id IN (SELECT value FROM json_each(?))", (turn, mail))
    return turn


def interrupt(connection: Connection, name: str, why: str, now: int) -> int | None:
    """End the agent's open turn, which nobody ended, and forget the replies kept in it; its id, if there was one."""
    turn = open_of(connection, name)
    if turn is not None:
        close(connection, turn, TurnOutcome.INTERRUPTED, why, Usage(), now)
        kept_replies.forget(connection, turn)
    return turn


def close(
    connection: Connection, id_: int, outcome: TurnOutcome, error: str | None, usage: Usage, now: int
) -> None:  # fmt: skip
    """Write how a turn ended; what `usage` does not say stays as it was."""
    connection.execute(
        "UPDATE turns SET ended_at = ?, outcome = ?, error = ?, usage = json_patch(usage, ?) WHERE id = ?",
        (now, outcome.value, error, _written(usage), id_),
    )


def open_of(connection: Connection, name: str) -> int | None:
    """The id of the turn that the agent is in."""
    row = connection.execute("SELECT id FROM turns WHERE agent = ? AND ended_at IS NULL", (name,)).fetchone()
    return None if row is None else int(row[0])


def mail_of(connection: Connection, id_: int) -> int | None:
    """The message that the turn began with; None if it began with none."""
    (ids,) = connection.execute("SELECT messages FROM turns WHERE id = ?", (id_,)).fetchone()
    return next(iter(json.loads(ids)), None)


def under_way(connection: Connection) -> dict[str, int]:
    """For each agent that is in a turn: its id."""
    return dict(connection.execute("SELECT agent, id FROM turns WHERE ended_at IS NULL"))


def one(connection: Connection, id_: int) -> Turn:
    """Raises Refused if there is none of that id."""
    otherwise = f"there is no turn {id_}; 'turns' lists the last ones"
    return _turn(the_row(connection, _SELECT + " WHERE id = ?", (id_,), otherwise))


def own(connection: Connection, id_: int, name: str) -> Turn:
    """The agent's own turn of that id. Raises Refused."""
    otherwise = f"turn {id_} is none of '{name}'; 'begin_turn' says which one has begun"
    return _turn(the_row(connection, _SELECT + " WHERE id = ? AND agent = ?", (id_, name), otherwise))


def listed(connection: Connection, name: str | None, limit: int, before: int | None) -> tuple[Turn, ...]:
    """The last turns, of that agent or of all, with ids below `before`; newest first, cut at what one line carries.

    Raises UnknownAgent where there never was an agent of that name.
    """
    if name is not None and agents.found(connection, name) is None:
        raise UnknownAgent(agents.unknown(name))
    bound = 2**63 - 1 if before is None else before
    whose, values = ("", (bound, limit)) if name is None else ("agent = ? AND ", (name, bound, limit))
    rows = connection.execute(f"{_SELECT} WHERE {whose}id < ? ORDER BY id DESC LIMIT ?", values)
    return tuple(_turn(row) for row in fitting(rows, _TEXTS))


def has_failed_before(connection: Connection, turn: Turn, ids: Sequence[int]) -> bool:
    """Whether one of the agent's last turns before that one failed too, about some of that mail."""
    row = connection.execute(
        """
        SELECT 1 FROM (
            SELECT outcome, messages FROM turns WHERE agent = ? AND id < ? ORDER BY id DESC LIMIT ?
        ) AS earlier, json_each(earlier.messages) AS about
        WHERE earlier.outcome = ? AND about.value IN (SELECT value FROM json_each(?)) LIMIT 1
        """,
        (turn.agent, turn.id, _LOOKED_AT, TurnOutcome.FAILED.value, json.dumps(list(ids))),
    ).fetchone()
    return row is not None


def forget(connection: Connection, name: str) -> None:
    """The agent had no turns: they are gone with what its runner wrote in them and the replies that they kept."""
    own = "(SELECT id FROM turns WHERE agent = ?)"
    connection.execute(f"DELETE FROM turn_events WHERE turn IN {own}", (name,))
    connection.execute(f"DELETE FROM kept_replies WHERE turn IN {own}", (name,))
    connection.execute("DELETE FROM turns WHERE agent = ?", (name,))


def hear(connection: Connection, turn: Turn, first: int, events: Sequence[str], now: int) -> int:
    """Keep events of a turn, of which the first has that number, but none that it has; how many were new.

    What goes beyond the bounds of a turn is not kept, and the last event that is says so.
    """
    (size,) = connection.execute("SELECT bytes FROM turns WHERE id = ?", (turn.id,)).fetchone()
    if size >= TURN_EVENTS_BYTES:
        return 0
    last = last_event(connection, turn.id)
    kept: list[tuple[int, int, int, str]] = []
    for seq, event in enumerate(events, first):
        if seq <= last:
            continue
        size += len(event.encode())
        full = turn.events + len(kept) >= MOST_TURN_EVENTS or size > TURN_EVENTS_BYTES
        kept.append((turn.id, seq, now, CUT if full else event))
        if full:
            size = TURN_EVENTS_BYTES
            break
    connection.executemany("INSERT INTO turn_events (turn, seq, at, event) VALUES (?, ?, ?, ?)", kept)
    connection.execute("UPDATE turns SET events = events + ?, bytes = ? WHERE id = ?", (len(kept), size, turn.id))
    return len(kept)


def last_event(connection: Connection, id_: int) -> int:
    """The number of the last event that a turn has; 0 if it has none."""
    (last,) = connection.execute("SELECT max(seq) FROM turn_events WHERE turn = ?", (id_,)).fetchone()
    return last or 0


def log(connection: Connection, id_: int, after: int) -> tuple[Turn, tuple[TurnEvent, ...]]:
    """A turn, and its events that come after the one with that number, as many as fit on a line. Raises Refused."""
    turn = one(connection, id_)
    rows = connection.execute(
        "SELECT seq, at, event FROM turn_events WHERE turn = ? AND seq > ? ORDER BY seq", (id_, after)
    )
    return turn, tuple(TurnEvent(seq=seq, at=at, event=event) for seq, at, event in fitting(rows, (2,)))


def sweep(connection: Connection, after: tuple[int, int], before: int, most: int) -> tuple[int, int] | None:
    """Forget events that came before that time, looking at `most` of those that come `after` a turn and a number.

    Returns the turn and number to go on from, None when only younger ones are left.
    """
    rows = connection.execute(
        "SELECT turn, seq, at FROM turn_events WHERE (turn, seq) > (?, ?) ORDER BY turn, seq LIMIT ?", (*after, most)
    ).fetchall()
    if not rows or rows[0][2] >= before:
        return None
    old = [(turn, seq) for turn, seq, at in rows if at < before]
    connection.executemany("DELETE FROM turn_events WHERE turn = ? AND seq = ?", old)
    return rows[-1][0], rows[-1][1]


def _written(usage: Usage) -> str:
    return json.dumps({name: value for name, value in asdict(usage).items() if value is not None})


def _turn(row: tuple[Any, ...]) -> Turn:
    id_, agent, generation, runner, messages, started_at, ended_at, outcome, error, usage, events = row
    return Turn(
        id=id_,
        agent=agent,
        generation=generation,
        runner=runner,
        messages=tuple(json.loads(messages)),
        started_at=started_at,
        ended_at=ended_at,
        outcome=None if outcome is None else TurnOutcome(outcome),
        error=error,
        usage=Usage(**json.loads(usage)),
        events=events,
    )
