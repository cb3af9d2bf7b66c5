"""Conversations of alice, bob and carol: replies, and where a message stands in its thread."""

from __future__ import annotations

import sqlite3
from typing import Any

from hyperhive.limits import MailLimits
from hyperhive.store import mail
from hyperhive.store.mail import Post, Sent

LIMITS = MailLimits(thread_hops=6, thread_rate=4, thread_seconds=60)
SLOW = MailLimits(thread_hops=6, thread_rate=4, thread_seconds=1)


def post(sender: str, to: str, cause: int | None = None, at: int = 100) -> Post:
    return Post(sender=sender, to=to, body="hi", at=at, in_reply_to=cause)


def send(connection: sqlite3.Connection, *given: Any, limits: MailLimits = LIMITS) -> Sent:
    return mail.send(connection, post(*given), limits)


def stands(connection: sqlite3.Connection, sent: Sent) -> tuple[int | None, int, int]:
    """The thread, the hops and the state of a message."""
    row = connection.execute("SELECT thread, hops, state FROM messages WHERE id = ?", (sent.id,)).fetchone()
    return row[0], row[1], row[2]


def talk(connection: sqlite3.Connection, replies: int, at: int = 100, step: int = 0) -> list[Sent]:
    """A message of alice's, and so many replies, each to the one before."""
    said = [send(connection, "alice", "bob", None, at, limits=SLOW if step else LIMITS)]
    for number in range(1, replies + 1):
        sides = ("bob", "alice") if number % 2 else ("alice", "bob")
        limits = SLOW if step else LIMITS
        said.append(send(connection, *sides, said[-1].id, at + number * step, limits=limits))
    return said
