"""The table of harnesses: how the program inside each agent said it stands, and in which start of the agent."""

from __future__ import annotations

from collections.abc import Sequence
from sqlite3 import Connection
from typing import Any

from hyperhive.wire.states import HarnessState
from hyperhive.wire.turns import Harness


def report(connection: Connection, name: str, harness: Harness) -> bool:
    """Keep how the program inside this start of the agent stands; whether that it is not logged in is news."""
    is_missing = harness.state is HarnessState.NEEDS_LOGIN
    row = connection.execute("SELECT login_missing FROM harnesses WHERE agent = ?", (name,)).fetchone()
    was_missing = row is not None and bool(row[0])
    connection.execute(
        """
        INSERT OR REPLACE INTO harnesses (agent, generation, state, until, model, note, runner, login_missing)
        SELECT name, generation, ?, ?, ?, ?, ?, ? FROM agents WHERE name = ?
        """,
        (
            harness.state.value,
            harness.until,
            harness.model,
            harness.note,
            harness.runner,
            was_missing or is_missing,
            name,
        ),
    )
    return is_missing and not was_missing


def worked(connection: Connection, name: str) -> bool:
    """A turn of the agent has ended well; whether its login was missing before that."""
    found = connection.execute(
        "UPDATE harnesses SET login_missing = 0 WHERE agent = ? AND login_missing RETURNING agent", (name,)
    ).fetchall()
    return bool(found)


def forget(connection: Connection, name: str) -> None:
    """Nothing was ever said of that agent."""
    connection.execute("DELETE FROM harnesses WHERE agent = ?", (name,))


def every(connection: Connection) -> dict[str, tuple[int, Harness]]:
    """By the agents' names: the start in which something was said last, and what."""
    rows = connection.execute("SELECT agent, generation, state, until, model, note, runner FROM harnesses")
    return {agent: (generation, _harness(row)) for agent, generation, *row in rows}


def runner_of(connection: Connection, name: str, generation: int) -> str | None:
    """What does the agent's turns in that start of it, as far as has been said."""
    row = connection.execute(
        "SELECT runner FROM harnesses WHERE agent = ? AND generation = ?", (name, generation)
    ).fetchone()
    return None if row is None else row[0]


def _harness(row: Sequence[Any]) -> Harness:
    state, until, model, note, runner = row
    return Harness(state=HarnessState(state), until=until, model=model, note=note, runner=runner)
