"""The table of messages: how mail comes in, and how it is forgotten. Its shape stands in `upgrades`."""

from __future__ import annotations

from collections.abc import Sequence
from sqlite3 import Connection
from typing import NamedTuple

from attrs import evolve, frozen

from hyperhive.agent_config import Rate
from hyperhive.limits import MailLimits
from hyperhive.store import agents, bounds, mail_search, threads
from hyperhive.store.message_states import DEAD, DONE, HELD, LEASED, QUEUED
from hyperhive.store.threads import Place
from hyperhive.wire import codec, events
from hyperhive.wire.names import EVERYONE, MANAGER, OPERATOR, SYSTEM
from hyperhive.wire.records import Letter

Told = list[tuple[int, str]]
"""Messages that a change put into inboxes: the id of each, and whose inbox."""


@frozen(kw_only=True)
class Post:
    """A message to be sent. `via` is `self` for the operator's words that were typed in the recipient's container.

    `cause` is what led to a message that is no reply: the mail of the turn in which it was written.
    """

    sender: str
    to: str
    body: str
    at: int
    in_reply_to: int | None = None
    via: str | None = None
    cause: int | None = None


class Sent(NamedTuple):
    """A message that is on disk: its id, whose inbox it is for, and the events that went with it."""

    id: int
    to: str
    told: Sequence[tuple[int, str]] = ()


def send(connection: Connection, post: Post, limits: MailLimits) -> Sent:
    """Queue a message, or hold it where its conversation is held. Raises UnknownAgent, InboxFull or Refused."""
    return _queue(connection, post, _place(connection, post, limits), limits)


def send_leased(connection: Connection, post: Post, number: int, limits: MailLimits) -> tuple[Sent, Letter | None]:
    """Send a message and lease it to that take at once, if nothing waits before it; else as `send` does.

    Returns the letter where it is leased. Raises UnknownAgent, InboxFull or Refused.
    """
    place = _place(connection, post, limits)
    if place.held:
        return _queue(connection, post, place, limits), None
    cursor = connection.execute(
        f"""
        INSERT INTO messages
            (sender, recipient, body, sent_at, state, in_reply_to, via, thread, hops, lease, generation, turn)
        SELECT ?, name, ?, ?, {LEASED}, ?, ?, ?, ?, ?, generation,
            (SELECT id FROM turns WHERE agent = name AND ended_at IS NULL)
        FROM agents
        WHERE name = ? AND present AND queued = 0 AND NOT paused
        """,
        (
            post.sender, post.body, post.at, post.in_reply_to, post.via, place.thread, place.hops, number,
            post.to,
        ),
    )  # fmt: skip
    if cursor.rowcount != 1:
        return _queue(connection, post, place, limits), None
    letter = Letter(
        id=int(cursor.lastrowid or 0),
        sender=post.sender,
        body=post.body,
        at=post.at,
        redelivered=False,
        in_reply_to=post.in_reply_to,
        via=post.via,
    )
    return Sent(letter.id, post.to), letter


def _place(connection: Connection, post: Post, limits: MailLimits) -> Place:
    """Where the message stands in its conversation; a word of the operator's there has the hops counted anew."""
    cause = post.cause if post.in_reply_to is None else post.in_reply_to
    if cause is None:
        return threads.BEGINNING
    place = threads.place(connection, post.sender, post.to, cause, post.at, limits)
    if post.sender == OPERATOR and place.thread is not None:
        threads.count_anew(connection, place.thread)
    return place


def _queue(connection: Connection, post: Post, place: Place, limits: MailLimits) -> Sent:
    size = len(post.body.encode())
    cursor = connection.execute(
        """
        INSERT INTO messages (sender, recipient, body, sent_at, state, in_reply_to, via, thread, hops)
        SELECT ?, name, ?, ?, ?, ?, ?, ?, ? FROM agents
        WHERE name = ? AND present AND queued < ? AND queued_bytes + ? <= ?
        """,
        (
            post.sender, post.body, post.at, HELD if place.held else QUEUED, post.in_reply_to, post.via,
            place.thread, place.hops, post.to, limits.max_inbox, size, limits.inbox_bytes,
        ),
    )  # fmt: skip
    if cursor.rowcount != 1:
        bounds.refuse(connection, post.to, limits)
    return Sent(int(cursor.lastrowid or 0), post.to, _tell_of_holding(connection, place, post.at, limits))


def _tell_of_holding(connection: Connection, place: Place, now: int, limits: MailLimits) -> Told:
    """Where the message is the first of its conversation that is held, tell the manager and the operator."""
    if place.thread is None or place.note is None:
        return []
    agents_in_it = threads.hold(connection, place.thread, place.note, now)
    event = events.Held(thread=place.thread, agents=agents_in_it, note=place.note)
    told = [(id_, MANAGER) for id_ in tell(connection, MANAGER, event, now)]
    post = Post(sender=SYSTEM, to=OPERATOR, body=codec.body_of_event(event), at=now)
    return [*told, (send_to_operator(connection, post, limits).id, OPERATOR)]


def send_to_operator(connection: Connection, post: Post, limits: MailLimits) -> Sent:
    """Put a message into the operator's list, where it is done at once: nobody leases it."""
    place = _place(connection, post, limits)
    return Sent(put(connection, evolve(post, to=OPERATOR), DONE, thread=place.thread), OPERATOR)


def send_to_all(connection: Connection, post: Post, limits: MailLimits) -> list[Sent]:
    """Send a message to everyone but its sender, all or none. Raises InboxFull or Refused."""
    # Before anything is written: a refusal after a write would have the whole batch undone, and done one by one.
    full = connection.execute(
        """
        SELECT name FROM agents
        WHERE present AND name <> ? AND (queued >= ? OR queued_bytes + ? > ?) ORDER BY name LIMIT 1
        """,
        (post.sender, limits.max_inbox, len(post.body.encode()), limits.inbox_bytes),
    ).fetchone()
    if full is not None:
        bounds.refuse(connection, full[0], limits)
    names = [name for name in agents.names(connection) if name != post.sender]
    return [send(connection, evolve(post, to=name), limits) for name in names]


def send_rated(connection: Connection, post: Post, limits: MailLimits, rate: Rate) -> list[Sent]:
    """Send a message to whomever it is for, if its sender has not sent too much of late.

    Raises Refused, UnknownAgent or InboxFull.
    """
    if post.to == EVERYONE:
        bounds.check_rate(connection, post.sender, rate, post.at, len(agents.names(connection)) - 1)
        return send_to_all(connection, post, limits)
    bounds.check_rate(connection, post.sender, rate, post.at)
    if post.to == OPERATOR:
        return [send_to_operator(connection, post, limits)]
    return [send(connection, post, limits)]


def tell(connection: Connection, to: str, event: events.HelperEvent, now: int) -> list[int]:
    """Queue an event from `system`, whatever waits there already; its id, none if nobody of that name has an inbox."""
    cursor = connection.execute(
        f"""
        INSERT INTO messages (sender, recipient, body, sent_at, state)
        SELECT ?, name, ?, ?, {QUEUED} FROM agents WHERE name = ? AND present
        """,
        (SYSTEM, codec.body_of_event(event), now, to),
    )
    return [int(cursor.lastrowid or 0)] if cursor.rowcount == 1 else []


def put(connection: Connection, post: Post, state: int, *, thread: int | None = None, reason: str | None = None) -> int:
    """Add a message in that state, with no question of whether anybody takes it; its id. `reason`: why it is dead."""
    cursor = connection.execute(
        """
        INSERT INTO messages (sender, recipient, body, sent_at, state, in_reply_to, via, thread, settled_at, reason)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
        """,
        (
            post.sender, post.to, post.body, post.at, state, post.in_reply_to, post.via, thread,
            post.at if state in {DONE, DEAD} else None, reason,
        ),
    )  # fmt: skip
    return int(cursor.lastrowid or 0)


def unread(connection: Connection, name: str) -> int:
    """How many messages are queued for `name`."""
    row = connection.execute("SELECT queued FROM agents WHERE name = ?", (name,)).fetchone()
    return 0 if row is None else int(row[0])


def sweep(connection: Connection, after: int, before: int, most: int) -> int | None:
    """Forget messages that were done before that time, looking at `most` rows whose ids come `after`.

    Returns the id to go on from, or None when only younger rows are left. Rows are sent in the order of their
    ids and settled after they were sent, so that no index on the time of settling is needed.
    """
    rows = connection.execute(
        "SELECT id, sent_at FROM messages WHERE id > ? ORDER BY id LIMIT ?", (after, most)
    ).fetchall()
    if not rows or rows[0][1] >= before:
        return None
    until = rows[-1][0]
    old = f"id > ? AND id <= ? AND state = {DONE} AND settled_at < ? AND id < (SELECT max(id) FROM messages)"
    mail_search.forget(connection, old, (after, until, before))
    connection.execute(f"DELETE FROM messages WHERE {old}", (after, until, before))
    return int(until)
