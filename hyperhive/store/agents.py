"""The table of agents: who is in the hive, and what should run."""

from __future__ import annotations

from sqlite3 import Connection
from typing import Any

from attrs import frozen

from hyperhive.errors import StartupError, UnknownAgent
from hyperhive.wire.names import MANAGER, shown

RUNNING = "running"
STOPPED = "stopped"
RESUME = "resume"


@frozen(kw_only=True)
class Agent:
    """One row. `wanted` is RUNNING, STOPPED or RESUME (stopped by the daemon's own end, to be started again).

    `restart_at`: the unix time at which it is owed a restart by policy.
    """

    name: str
    present: bool
    wanted: str
    generation: int
    failed: bool
    failure: str | None
    paused: bool
    restarts: int
    queued: int
    status_text: str | None
    status_set_at: int | None
    restart_at: float | None


_SELECT = """
    SELECT agents.name, present, wanted, generation, failed, failure, paused, restarts, queued, text, set_at, at
    FROM agents
    LEFT JOIN status_texts USING (name)
    LEFT JOIN policy_restarts ON policy_restarts.agent = agents.name AND operation IS NULL
"""
# The first of the two conditions on `state` is there for the index of open operations, which is used where it stands.
_WATCHED = """
    present AND wanted = :running AND NOT failed
    AND NOT EXISTS (
        SELECT 1 FROM operations
        WHERE operations.agent = agents.name AND state IN ('queued', 'running') AND state = 'running'
    )
"""


def every(connection: Connection) -> list[Agent]:
    """Those in the hive, by name."""
    return [_agent(row) for row in connection.execute(_SELECT + " WHERE present ORDER BY name")]


def found(connection: Connection, name: str) -> Agent | None:
    """The row of that name, be the agent in the hive or destroyed."""
    row = connection.execute(_SELECT + " WHERE agents.name = ?", (name,)).fetchone()
    return None if row is None else _agent(row)


def one(connection: Connection, name: str) -> Agent:
    """The agent of that name. Raises UnknownAgent."""
    agent = found(connection, name)
    if agent is None or not agent.present:
        raise UnknownAgent(unknown(name))
    return agent


def unknown(name: str) -> str:
    """The sentence for a name that nobody has."""
    return f"there is no agent {shown(name)} in this hive; 'list' names those there are"


def names(connection: Connection) -> list[str]:
    """The names of those in the hive."""
    return [name for (name,) in connection.execute("SELECT name FROM agents WHERE present ORDER BY name")]


def add_manager(connection: Connection) -> None:
    """The manager is in every hive from the first; it is started with the daemon that made it."""
    connection.execute(
        "INSERT INTO agents (name, present, wanted) VALUES (?, 1, ?) ON CONFLICT DO NOTHING", (MANAGER, RESUME)
    )


def resume_after_reboot(connection: Connection, boot: str) -> None:
    """Where the host itself was restarted since the last daemon, what ran then has not crashed: it is started again."""
    known = connection.execute("SELECT value FROM facts WHERE name = 'boot'").fetchone()
    if known is not None and known[0] != boot:
        connection.execute("UPDATE agents SET wanted = ? WHERE wanted = ? AND NOT failed", (RESUME, RUNNING))
    connection.execute("INSERT OR REPLACE INTO facts (name, value) VALUES ('boot', ?)", (boot,))


def keep_to_backend(connection: Connection, kind: str) -> None:
    """The backend is of that kind from now on. Raises StartupError while agents may run in another's containers."""
    known = connection.execute("SELECT value FROM facts WHERE name = 'containers'").fetchone()
    if known is not None and known[0] != kind and _some_may_run(connection):
        message = (
            f"the agents of this hive run in containers of the kind '{known[0]}': set that again, stop them "
            f"('hivectl stop NAME'), and then change it to '{kind}'"
        )
        raise StartupError(message)
    connection.execute("INSERT OR REPLACE INTO facts (name, value) VALUES ('containers', ?)", (kind,))


def _some_may_run(connection: Connection) -> bool:
    """Whether an agent runs, or an earlier daemon ended in the middle of work on one."""
    (found,) = connection.execute(
        """
        SELECT EXISTS (SELECT 1 FROM agents WHERE present AND wanted = ? AND NOT failed)
            OR EXISTS (SELECT 1 FROM operations WHERE state = 'running')
        """,
        (RUNNING,),
    ).fetchone()
    return bool(found)


def begin_start(connection: Connection, name: str) -> int:
    """Count one more start, on disk before anything is started; its generation."""
    connection.execute(
        "INSERT INTO agents (name, present, wanted) VALUES (?, 0, ?) ON CONFLICT DO NOTHING", (name, STOPPED)
    )
    connection.execute("UPDATE agents SET generation = generation + 1 WHERE name = ?", (name,))
    (generation,) = connection.execute("SELECT generation FROM agents WHERE name = ?", (name,)).fetchone()
    return int(generation)


def is_running(connection: Connection, name: str) -> None:
    """The agent is in the hive and runs, as it should."""
    connection.execute(
        "UPDATE agents SET present = 1, wanted = ?, failed = 0, failure = NULL WHERE name = ?", (RUNNING, name)
    )


def is_stopped(connection: Connection, name: str, wanted: str = STOPPED) -> None:
    """The agent is stopped, as it should be."""
    connection.execute("UPDATE agents SET wanted = ?, failed = 0, failure = NULL WHERE name = ?", (wanted, name))


def count_restart(connection: Connection, name: str) -> None:
    """One more restart of the agent."""
    connection.execute("UPDATE agents SET restarts = restarts + 1 WHERE name = ?", (name,))


def start_failed(connection: Connection, name: str, why: str | None, wanted: str = STOPPED) -> None:
    """The agent should have been started, and that went wrong: it is down, and not by anybody's wish."""
    connection.execute(
        "UPDATE agents SET wanted = ?, failed = 1, failure = ? WHERE name = ? AND present", (wanted, why, name)
    )


def should_run(connection: Connection) -> list[Agent]:
    """Those that should run, were not yet missed, and are not being worked on."""
    return [
        _agent(row)
        for row in connection.execute(f"{_SELECT} WHERE {_WATCHED} ORDER BY agents.name", {"running": RUNNING})
    ]


def crashed(connection: Connection, name: str, generation: int, why: str) -> bool:
    """That start of the agent ended by itself; False if that was known, or is no longer so."""
    cursor = connection.execute(
        f"UPDATE agents SET failed = 1, failure = :why WHERE name = :name AND generation = :generation AND {_WATCHED}",
        {"name": name, "generation": generation, "running": RUNNING, "why": why},
    )
    return cursor.rowcount == 1


def given_up(connection: Connection, name: str, why: str) -> None:
    """The agent, which is down by nobody's wish, is not started again by itself."""
    connection.execute("UPDATE agents SET failure = ? WHERE name = ? AND failed", (why, name))


def is_destroyed(connection: Connection, name: str) -> None:
    """The agent left the hive; its row stays, and its mail with it."""
    connection.execute(
        """
        UPDATE agents SET present = 0, wanted = ?, failed = 0, failure = NULL, paused = 0, restarts = 0 WHERE name = ?
        """,
        (STOPPED, name),
    )
    connection.execute("DELETE FROM status_texts WHERE name = ?", (name,))


def set_paused(connection: Connection, name: str, *, paused: bool) -> None:
    """Raises UnknownAgent."""
    one(connection, name)
    connection.execute("UPDATE agents SET paused = ? WHERE name = ?", (paused, name))


def set_status_text(connection: Connection, name: str, text: str, now: int) -> None:
    """What the agent says it does."""
    connection.execute("INSERT OR REPLACE INTO status_texts (name, text, set_at) VALUES (?, ?, ?)", (name, text, now))


def generation(connection: Connection, name: str) -> int:
    """The number of the agent's last start; 0 if there was none."""
    row = connection.execute("SELECT generation FROM agents WHERE name = ?", (name,)).fetchone()
    return 0 if row is None else int(row[0])


def _agent(row: tuple[Any, ...]) -> Agent:
    name, present, wanted, generation, failed, failure, paused, restarts, queued, text, set_at, at = row
    return Agent(
        name=name,
        present=bool(present),
        wanted=wanted,
        generation=generation,
        failed=bool(failed),
        failure=failure,
        paused=bool(paused),
        restarts=restarts,
        queued=queued,
        status_text=text,
        status_set_at=set_at,
        restart_at=at,
    )
