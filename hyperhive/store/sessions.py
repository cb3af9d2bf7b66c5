"""The table of sessions: the browsers that are let into the console. Keys stand there as their SHA-256 alone.

Beside it, among the facts, the part of the console's name that nobody can guess.
"""

from __future__ import annotations

from sqlite3 import Connection

from hyperhive.errors import Refused
from hyperhive.limits import SESSION_IDLE, SESSION_SECONDS
from hyperhive.wire.records import Session

_SELECT = "SELECT id, read_only, opened_at, seen_at, client FROM sessions"


def add(connection: Connection, key: str, client: str, now: int, *, read_only: bool) -> None:
    """Let somebody in who shows what that is the hash of."""
    connection.execute(
        "INSERT INTO sessions (key, read_only, opened_at, seen_at, client) VALUES (?, ?, ?, ?, ?)",
        (key, read_only, now, now, client),
    )


def found(connection: Connection, key: str, now: int) -> Session | None:
    """The session of that key, if there is one and it has not run out."""
    row = connection.execute(
        _SELECT + " WHERE key = ? AND opened_at > ? AND seen_at > ?", (key, now - SESSION_SECONDS, now - SESSION_IDLE)
    ).fetchone()
    return None if row is None else _session(row)


def seen(connection: Connection, id_: int, now: int) -> None:
    """Somebody in that session is there."""
    connection.execute("UPDATE sessions SET seen_at = ? WHERE id = ?", (now, id_))


def listed(connection: Connection, now: int) -> tuple[Session, ...]:
    """The sessions that have not run out; the others are forgotten."""
    connection.execute(
        "DELETE FROM sessions WHERE opened_at <= ? OR seen_at <= ?", (now - SESSION_SECONDS, now - SESSION_IDLE)
    )
    return tuple(_session(row) for row in connection.execute(_SELECT + " ORDER BY id"))


def revoke(connection: Connection, id_: int) -> None:
    """Forget a session. Raises Refused if there is none of that id."""
    if connection.execute("DELETE FROM sessions WHERE id = ?", (id_,)).rowcount != 1:
        message = f"there is no session {id_}; 'sessions' lists them"
        raise Refused(message)


def label(connection: Connection, new: str) -> str:
    """The label of the console's name: the one that was kept, or else the new one, which is kept from now on."""
    row = connection.execute("SELECT value FROM facts WHERE name = 'console'").fetchone()
    if row is not None:
        return str(row[0])
    connection.execute("INSERT INTO facts (name, value) VALUES ('console', ?)", (new,))
    return new


def _session(row: tuple[int, int, int, int, str]) -> Session:
    id_, read_only, opened_at, seen_at, client = row
    until = min(opened_at + SESSION_SECONDS, seen_at + SESSION_IDLE)
    return Session(id=id_, read_only=bool(read_only), opened_at=opened_at, seen_at=seen_at, until=until, client=client)
