"""The table of restarts by policy: the one that an agent is owed, and the ones it had, for the count."""

from __future__ import annotations

from sqlite3 import Connection


def owe(connection: Connection, name: str, at: float) -> None:
    """The agent is to be started again at that unix time, and at no other."""
    connection.execute("INSERT OR REPLACE INTO policy_restarts (agent, at) VALUES (?, ?)", (name, at))


def owed(connection: Connection) -> list[tuple[str, float]]:
    """Who is to be started again, and at which unix time, the soonest first."""
    return connection.execute("SELECT agent, at FROM policy_restarts WHERE operation IS NULL ORDER BY at").fetchall()


def made(connection: Connection, name: str, operation: int, at: float) -> None:
    """That operation was queued for the restart that was owed."""
    connection.execute(
        "UPDATE policy_restarts SET operation = ?, at = ? WHERE agent = ? AND operation IS NULL", (operation, at, name)
    )


def made_by(connection: Connection, operation: int) -> bool:
    """Whether the operation is a restart by policy."""
    row = connection.execute("SELECT 1 FROM policy_restarts WHERE operation = ?", (operation,)).fetchone()
    return row is not None


def count_since(connection: Connection, name: str, since: float) -> int:
    """How many the agent had since that unix time; older ones are forgotten."""
    connection.execute("DELETE FROM policy_restarts WHERE agent = ? AND at < ?", (name, since))
    (count,) = connection.execute("SELECT count(*) FROM policy_restarts WHERE agent = ?", (name,)).fetchone()
    return int(count)


def forget(connection: Connection, name: str) -> None:
    """The agent is owed none, and the count begins anew."""
    connection.execute("DELETE FROM policy_restarts WHERE agent = ?", (name,))
