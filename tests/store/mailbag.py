"""Mail between alice, bob and carol: sent, leased, put back and looked at."""

from __future__ import annotations

import sqlite3

from hyperhive.limits import MailLimits
from hyperhive.store import dead_letters, leases, mail
from hyperhive.store.mail import Post
from hyperhive.wire.codec import event_of_body
from hyperhive.wire.events import Bounced

LIMITS = MailLimits(max_inbox=5, inbox_bytes=20, max_attempts=2)


def send(connection: sqlite3.Connection, body: str = "hi", to: str = "bob", sender: str = "alice") -> int:
    return mail.send(connection, Post(sender=sender, to=to, body=body, at=100), MailLimits()).id


def lease(connection: sqlite3.Connection, most: int = 9, number: int = 1) -> list[int]:
    return [letter.id for letter in leases.lease(connection, "bob", most, number)]


def state(connection: sqlite3.Connection, id_: int) -> tuple[int, bool, int]:
    row = connection.execute("SELECT state, redelivered, attempts FROM messages WHERE id = ?", (id_,)).fetchone()
    return row[0], bool(row[1]), row[2]


def bounces(connection: sqlite3.Connection, name: str) -> list[Bounced]:
    rows = connection.execute(
        "SELECT body FROM messages WHERE recipient = ? AND sender = 'system' ORDER BY id", (name,)
    )  # fmt: skip
    return [event for (body,) in rows if isinstance(event := event_of_body(body), Bounced)]


def requeue(connection: sqlite3.Connection, ids: list[int], *, spent: bool) -> list[tuple[int, str]]:
    return leases.requeue(connection, ids, 200, spent=spent, limits=LIMITS, why="it was put back")


def kill(connection: sqlite3.Connection) -> int:
    id_ = send(connection, "x" * 15)
    dead_letters.bury(connection, [id_], "why", 200)
    return id_
