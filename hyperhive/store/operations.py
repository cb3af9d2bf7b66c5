"""The table of operations: what is done to agents, one at a time each."""

from __future__ import annotations

from sqlite3 import Connection
from typing import Any

from hyperhive.errors import Refused
from hyperhive.limits import MOST_ROWS
from hyperhive.wire.records import Operation, OperationKind, OperationState

_SELECT = "SELECT id, agent, kind, state, requested_by, queued_at, started_at, ended_at, error FROM operations"
_OPEN = "state IN ('queued', 'running')"


def queue(connection: Connection, agent: str, kind: OperationKind, by: str, now: int, *, flag: bool = False) -> int:
    """Queue an operation on an agent, or join the last one that waits there if it says the same; its id."""
    last = connection.execute(
        f"SELECT id, kind, flag FROM operations WHERE agent = ? AND {_OPEN} ORDER BY id DESC LIMIT 1", (agent,)
    ).fetchone()
    if last is not None and (last[1], bool(last[2])) == (kind.value, flag):
        return int(last[0])
    cursor = connection.execute(
        "INSERT INTO operations (agent, kind, flag, state, requested_by, queued_at) VALUES (?, ?, ?, 'queued', ?, ?)",
        (agent, kind.value, flag, by, now),
    )
    return int(cursor.lastrowid or 0)


def coming(connection: Connection, agent: str) -> OperationKind | None:
    """What will have been done last to the agent, of what is queued or running; None if nothing is."""
    row = connection.execute(
        f"SELECT kind FROM operations WHERE agent = ? AND {_OPEN} ORDER BY id DESC LIMIT 1", (agent,)
    ).fetchone()
    return None if row is None else OperationKind(row[0])


def begin(connection: Connection, id_: int, now: int) -> None:
    """The operation runs."""
    connection.execute("UPDATE operations SET state = 'running', started_at = ? WHERE id = ?", (now, id_))


def end(connection: Connection, id_: int, state: OperationState, error: str | None, now: int) -> None:
    """The operation ended, how it did."""
    connection.execute(
        "UPDATE operations SET state = ?, ended_at = ?, error = ? WHERE id = ?", (state.value, now, error, id_)
    )


def undone(connection: Connection) -> list[tuple[Operation, bool]]:
    """Queued and running operations, oldest first, each with its flag."""
    rows = connection.execute(_SELECT.replace(" FROM", ", flag FROM") + f" WHERE {_OPEN} ORDER BY id").fetchall()
    return [(_operation(row[:-1]), bool(row[-1])) for row in rows]


def under_way(connection: Connection) -> dict[str, int]:
    """For each agent that has one: the operation that runs or waits, the oldest."""
    return dict(connection.execute(f"SELECT agent, min(id) FROM operations WHERE {_OPEN} GROUP BY agent"))


def listed(connection: Connection, *, ended: bool) -> tuple[Operation, ...]:
    """Operations under way, newest first; with `ended` also the last ended ones."""
    where = "" if ended else f" WHERE {_OPEN}"
    return tuple(_operation(row) for row in connection.execute(f"{_SELECT}{where} ORDER BY id DESC LIMIT {MOST_ROWS}"))


def highest(connection: Connection) -> int:
    """The id of the newest operation; 0 if there was none."""
    return int(connection.execute("SELECT coalesce(max(id), 0) FROM operations").fetchone()[0])


def with_flag(connection: Connection, id_: int) -> tuple[Operation, bool]:
    """An operation and its flag. Raises Refused if there is none of that id."""
    operation = one(connection, id_)
    return operation, bool(connection.execute("SELECT flag FROM operations WHERE id = ?", (id_,)).fetchone()[0])


def one(connection: Connection, id_: int) -> Operation:
    """Raises Refused if there is none of that id."""
    row = connection.execute(_SELECT + " WHERE id = ?", (id_,)).fetchone()
    if row is None:
        message = f"there is no operation {id_}; 'operations' with 'all' lists them"
        raise Refused(message)
    return _operation(row)


def _operation(row: tuple[Any, ...]) -> Operation:
    id_, agent, kind, state, by, queued_at, started_at, ended_at, error = row
    return Operation(
        id=id_,
        agent=agent,
        kind=OperationKind(kind),
        state=OperationState(state),
        requested_by=by,
        queued_at=queued_at,
        started_at=started_at,
        ended_at=ended_at,
        error=error,
    )
