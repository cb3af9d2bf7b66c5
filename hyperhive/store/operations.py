"""The table of operations: what is done to agents, one at a time each."""

from __future__ import annotations

from sqlite3 import Connection
from typing import Any

from attrs import frozen

from hyperhive.limits import MOST_ROWS
from hyperhive.store.rows import the_row
from hyperhive.wire.records import Operation
from hyperhive.wire.states import OperationKind, OperationState

_COLUMNS = "id, agent, kind, state, requested_by, queued_at, started_at, ended_at, error"
_SELECT = f"SELECT {_COLUMNS} FROM operations"
_OPEN = "state IN ('queued', 'running')"


@frozen(kw_only=True)
class Undone:
    """An operation that has not ended.

    `start` is the start of its agent that was counted for it; `undoing` why what it did is being undone.
    """

    operation: Operation
    flag: bool
    start: int | None
    undoing: str | None


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
    """What will have been done last to the agent, of what is queued or running; None if nothing is.

    What is done to its configuration alone is left out.
    """
    row = connection.execute(
        f"""
        SELECT kind FROM operations WHERE agent = ? AND {_OPEN} AND kind NOT IN ('init_config', 'deploy')
        ORDER BY id DESC LIMIT 1
        """,
        (agent,),
    ).fetchone()
    return None if row is None else OperationKind(row[0])


def deploying(connection: Connection, agent: str) -> int | None:
    """The deploy on the agent that is queued or running, if there is one."""
    row = connection.execute(
        f"SELECT id FROM operations WHERE agent = ? AND {_OPEN} AND kind = 'deploy'", (agent,)
    ).fetchone()
    return None if row is None else int(row[0])


def begin(connection: Connection, id_: int, now: int) -> None:
    """The operation runs."""
    connection.execute("UPDATE operations SET state = 'running', started_at = ? WHERE id = ?", (now, id_))


def set_start(connection: Connection, id_: int, start: int) -> None:
    """The operation makes that start of its agent."""
    connection.execute("UPDATE operations SET start = ? WHERE id = ?", (start, id_))


def undo(connection: Connection, id_: int, why: str) -> None:
    """What the operation did is to be undone; no start is counted for that yet."""
    connection.execute("UPDATE operations SET undoing = ?, start = NULL WHERE id = ?", (why, id_))


def end(connection: Connection, id_: int, state: OperationState, error: str | None, now: int) -> None:
    """The operation ended, how it did."""
    connection.execute(
        "UPDATE operations SET state = ?, ended_at = ?, error = ? WHERE id = ?", (state.value, now, error, id_)
    )


def undone(connection: Connection) -> list[Undone]:
    """Queued and running operations, oldest first."""
    rows = connection.execute(f"SELECT {_COLUMNS}, flag, start, undoing FROM operations WHERE {_OPEN} ORDER BY id")
    return [
        Undone(operation=_operation(tuple(row)), flag=bool(flag), start=start, undoing=undoing)
        for *row, flag, start, undoing in rows
    ]


def under_way(connection: Connection) -> dict[str, int]:
    """For each agent that has one: the operation that runs or waits, the oldest."""
    return dict(connection.execute(f"SELECT agent, min(id) FROM operations WHERE {_OPEN} GROUP BY agent"))


def listed(connection: Connection, *, ended: bool) -> tuple[Operation, ...]:
    """Operations under way, newest first; with `ended` also the last ended ones."""
    where = "" if ended else f" WHERE {_OPEN}"
    return tuple(_operation(row) for row in connection.execute(f"{_SELECT}{where} ORDER BY id DESC LIMIT {MOST_ROWS}"))


def one(connection: Connection, id_: int) -> Operation:
    """Raises Refused if there is none of that id."""
    otherwise = f"there is no operation {id_}; 'operations' with 'all' lists them"
    return _operation(the_row(connection, _SELECT + " WHERE id = ?", (id_,), otherwise))


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
