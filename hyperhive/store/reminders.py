"""The table of reminders: what agents want to be told later, until that is in their inboxes."""

from __future__ import annotations

from sqlite3 import Connection

from hyperhive.limits import MOST_ROWS
from hyperhive.store.fitting import fitting
from hyperhive.store.mail import Post, Told, put
from hyperhive.store.message_states import QUEUED
from hyperhive.wire.names import REMINDER
from hyperhive.wire.records import OpenThread


def add(connection: Connection, agent: str, message: str, now: int, due_at: int) -> int:
    """Keep a reminder; its id."""
    cursor = connection.execute(
        "INSERT INTO reminders (agent, message, made_at, due_at) VALUES (?, ?, ?, ?)", (agent, message, now, due_at)
    )
    return int(cursor.lastrowid or 0)


def count_ahead(connection: Connection, agent: str, now: int) -> int:
    """How many reminders of that agent are not due yet."""
    found = connection.execute("SELECT count(*) FROM reminders WHERE agent = ? AND due_at > ?", (agent, now))
    return int(found.fetchone()[0])


def deliver(connection: Connection, now: int, most: int) -> Told:
    """Move what is due into the inboxes, the longest due first, at most so many; the messages.

    Inboxes take them whatever waits there; that of an agent that was destroyed keeps them for its return.
    """
    due = connection.execute(
        "SELECT id, agent, message FROM reminders WHERE due_at <= ? ORDER BY due_at, id LIMIT ?", (now, most)
    ).fetchall()
    told = []
    for id_, agent, message in due:
        post = Post(sender=REMINDER, to=agent, body=message, at=now)
        told.append((put(connection, post, QUEUED), agent))
        connection.execute("DELETE FROM reminders WHERE id = ?", (id_,))
    return told


def next_due(connection: Connection) -> int | None:
    """When the next one is due."""
    (due_at,) = connection.execute("SELECT min(due_at) FROM reminders").fetchone()
    return None if due_at is None else int(due_at)


def open_of(connection: Connection, name: str) -> list[OpenThread]:
    """What the agent wants to be reminded of, the next first."""
    rows = connection.execute(
        "SELECT id, message, made_at, due_at FROM reminders WHERE agent = ? ORDER BY due_at, id LIMIT ?",
        (name, MOST_ROWS),
    )
    return [
        OpenThread(
            direction="owes", kind="reminder", id=id_, peer=REMINDER, text=message, since=made_at, deadline_at=due_at
        )
        for id_, message, made_at, due_at in fitting(rows, (1,))
    ]


def forget(connection: Connection, agent: str) -> None:
    """The agent is gone for good."""
    connection.execute("DELETE FROM reminders WHERE agent = ?", (agent,))
