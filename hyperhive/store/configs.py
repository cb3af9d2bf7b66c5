"""The table of configurations: which commit each agent is made from, destroyed ones and ones to come included."""

from __future__ import annotations

from pathlib import Path
from sqlite3 import Connection

from attrs import frozen

from hyperhive.agent_config import AgentConfig, MailRules, Rate


@frozen(kw_only=True)
class Deployed:
    """One row.

    `commit` is what the agent's next start is made from. `built_from` is what its last start was made from, in the
    backend's words, None where none was seen; `stale` says that a start now would be made from something else.
    """

    agent: str
    commit: str
    built_from: str | None
    stale: bool


_SELECT = "SELECT agent, deployed, built_from, stale FROM configs"


def found(connection: Connection, name: str) -> Deployed | None:
    """The agent's row, if it has a configuration."""
    row = connection.execute(_SELECT + " WHERE agent = ?", (name,)).fetchone()
    return None if row is None else Deployed(agent=row[0], commit=row[1], built_from=row[2], stale=bool(row[3]))


def every(connection: Connection) -> dict[str, Deployed]:
    """The rows of those in the hive, by their names."""
    rows = connection.execute(_SELECT + " JOIN agents ON name = agent WHERE present")
    return {
        agent: Deployed(agent=agent, commit=commit, built_from=built_from, stale=bool(stale))
        for agent, commit, built_from, stale in rows
    }


def kept(connection: Connection) -> list[tuple[str, int | None]]:
    """Who is not in the hive and has a configuration all the same, by name; and when each was destroyed, if it was."""
    return connection.execute(
        """
        SELECT agent, at FROM configs LEFT JOIN (
            SELECT agent, max(ended_at) AS at FROM operations
            WHERE kind = 'destroy' AND state = 'succeeded' GROUP BY agent
        ) USING (agent)
        WHERE agent NOT IN (SELECT name FROM agents WHERE present) ORDER BY agent
        """
    ).fetchall()


def deploy(connection: Connection, name: str, commit: str, config: AgentConfig) -> None:
    """From now on the agent is made from that commit, which says that."""
    mail = config.mail
    connection.execute(
        """
        INSERT INTO configs (agent, deployed, restart, recipients, messages, seconds, mounts)
        VALUES (?, ?, ?, ?, ?, ?, ?)
        ON CONFLICT DO UPDATE SET deployed = excluded.deployed, restart = excluded.restart,
            recipients = excluded.recipients, messages = excluded.messages, seconds = excluded.seconds,
            mounts = excluded.mounts
        """,
        (
            name,
            commit,
            config.restart,
            None if mail.recipients is None else "\n".join(mail.recipients),
            None if mail.rate is None else mail.rate.messages,
            None if mail.rate is None else mail.rate.seconds,
            "\n".join(f"{'rw' if mount.writable else 'ro'} {mount.source}" for mount in config.mounts),
        ),
    )


def mail_rules(connection: Connection) -> dict[str, MailRules]:
    """By which rules those in the hive write, by their names."""
    rows = connection.execute(
        "SELECT agent, recipients, messages, seconds FROM configs JOIN agents ON name = agent WHERE present"
    )
    return {
        agent: MailRules(
            recipients=None if recipients is None else tuple(recipients.split("\n")) if recipients else (),
            rate=None if messages is None else Rate(messages=messages, seconds=seconds),
        )
        for agent, recipients, messages, seconds in rows
    }


def sources(connection: Connection) -> dict[str, list[tuple[Path, bool]]]:
    """What of the host every configuration shows its agent, and whether to be written, by the agents' names."""
    rows = connection.execute("SELECT agent, mounts FROM configs WHERE mounts <> ''")
    return {agent: [(Path(line[3:]), line.startswith("rw ")) for line in mounts.split("\n")] for agent, mounts in rows}


def built(connection: Connection, name: str, origin: str | None) -> None:
    """The agent's last start was made from that, None where nobody knows."""
    connection.execute("UPDATE configs SET built_from = ?, stale = 0 WHERE agent = ?", (origin, name))


def compare(connection: Connection, name: str, origin: str) -> bool | None:
    """A start now would be made from that: whether that is something else than the last; None if it was known so."""
    row = connection.execute(
        """
        UPDATE configs SET stale = NOT stale WHERE agent = ?2 AND stale <> (built_from IS NOT NULL AND built_from <> ?1)
        RETURNING stale
        """,
        (origin, name),
    ).fetchone()
    return None if row is None else bool(row[0])


def ask(connection: Connection, name: str, origin: str) -> bool:
    """The operator is asked whether the agent is to be made from that; False if that was done before."""
    cursor = connection.execute(
        "UPDATE configs SET asked = ?1 WHERE agent = ?2 AND stale AND asked IS NOT ?1", (origin, name)
    )
    return cursor.rowcount == 1


def restart(connection: Connection, name: str) -> str | None:
    """What the agent's configuration says of its restarts; None if it says nothing."""
    row = connection.execute("SELECT restart FROM configs WHERE agent = ?", (name,)).fetchone()
    return None if row is None else row[0]


def forget(connection: Connection, name: str) -> None:
    """The agent's repositories were taken away, and with them the need to tell them of anything."""
    connection.execute("DELETE FROM configs WHERE agent = ?", (name,))
    connection.execute("UPDATE approvals SET untold = 0 WHERE agent = ? AND untold = 1", (name,))
