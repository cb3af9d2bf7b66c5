"""The table of harnesses: how the program inside each agent said it stands, and in which start of the agent."""

from __future__ import annotations

from sqlite3 import Connection

from hyperhive.wire.states import HarnessState
from hyperhive.wire.turns import Harness


def report(connection: Connection, name: str, harness: Harness) -> HarnessState | None:
    """Keep how the program inside this start of the agent stands; what stood there before, be it of another start."""
    before = connection.execute("SELECT state FROM harnesses WHERE agent = ?", (name,)).fetchone()
    connection.execute(
        """
        INSERT OR REPLACE INTO harnesses (agent, generation, state, until, model, note)
        SELECT name, generation, ?, ?, ?, ? FROM agents WHERE name = ?
        """,
        (harness.state.value, harness.until, harness.model, harness.note, name),
    )
    return None if before is None else HarnessState(before[0])


def every(connection: Connection) -> dict[str, tuple[int, Harness]]:
    """By the agents' names: the start in which something was said last, and what."""
    rows = connection.execute("SELECT agent, generation, state, until, model, note FROM harnesses")
    return {
        agent: (generation, Harness(state=HarnessState(state), until=until, model=model, note=note))
        for agent, generation, state, until, model, note in rows
    }
