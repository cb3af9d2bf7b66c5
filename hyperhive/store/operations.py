"""The table of operations: what is done to agents, one at a time each."""

from __future__ import annotations

from sqlite3 import Connection
from typing import Any

from hyperhive.errors import Refused
from hyperhive.limits import MOST_ROWS
from hyperhive.wire.records import Operation, OperationKind, OperationState

_COLUMNS = "id, agent, kind, state, requested_by, queued_at, started_at, ended_at, error"
_SELECT = f"SELECT {_COLUMNS} FROM operations"
_OPEN = "state IN ('queued', 'running')"


def queue(
    connection: Connection, agent: str, kind: OperationKind, by: str, now: int, *, flag: bool = False
) -> tuple[Operation, bool]:
    """Queue an operation on an agent, or join the last one there if it says the same; whether it is a new one."""
    last = connection.execute(
        f"SELECT {_COLUMNS}, flag FROM operations WHERE agent = ? AND {_OPEN} ORDER BY id DESC LIMIT 1", (agent,)
    ).fetchone()
    if last is not None:
        operation = _operation(last[:-1])
        if (operation.kind, bool(last[-1])) == (kind, flag):
            return operation, False
    row = connection.execute(
        f"""
        INSERT INTO operations (agent, kind, flag, state, requested_by, queued_at) VALUES (?, ?, ?, 'queued', ?, ?)
        RETURNING {_COLUMNS}
        """,
        (agent, kind.value, flag, by, now),
    ).fetchone()
    return _operation(row), True


def coming(connection: Connection, agent: str) -> OperationKind | None:
    """What will have been done last to the agent, of what is queued or running; None if nothing is."""
    row = connection.execute(
        f"SELECT kind FROM operations WHERE agent = ? AND {_OPEN} ORDER BY id DESC LIMIT 1", (agent,)
    ).fetchone()
    return None if row is None else OperationKind(row[0])


def begin(connection: Connection, id_: int, now: int) -> None:
    """The operation runs."""
    connection.execute("UPDATE operations SET state = 'running', started_at = ? WHERE id = ?", (now, id_))


def set_start(connection: Connection, id_: int, start: int) -> None:
    """The operation makes that start of its agent."""
    connection.execute("UPDATE operations SET start = ? WHERE id = ?", (start, id_))


def end(connection: Connection, id_: int, state: OperationState, error: str | None, now: int) -> None:
    """The operation ended, how it did."""
    connection.execute(
        "UPDATE operations SET state = ?, ended_at = ?, error = ? WHERE id = ?", (state.value, now, error, id_)
    )


def undone(connection: Connection) -> list[tuple[Operation, bool, int | None]]:
    """Queued and running operations, oldest first, each with its flag, and the start that was counted for it."""
    rows = connection.execute(f"SELECT {_COLUMNS}, flag, start FROM operations WHERE {_OPEN} ORDER BY id").fetchall()
    return [(_operation(row[:-2]), bool(row[-2]), row[-1]) for row in rows]


def under_way(connection: Connection) -> dict[str, int]:
    """For each agent that has one: the operation that runs or waits, the oldest."""
    return dict(connection.execute(f"SELECT agent, min(id) FROM operations WHERE {_OPEN} GROUP BY agent"))


def listed(connection: Connection, *, ended: bool) -> tuple[Operation, ...]:
    """Operations under way, newest first; with `ended` also the last ended ones."""
    where = "" if ended else f" WHERE {_OPEN}"
    return tuple(_operation(row) for row in connection.execute(f"{_SELECT}{where} ORDER BY id DESC LIMIT {MOST_ROWS}"))


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
