"""The table of messages: how mail comes in, is leased, and is settled. Its shape and states stand in `schema`."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from sqlite3 import Connection
from typing import Final

from attrs import evolve, frozen

from hyperhive.errors import InboxFull, Refused, UnknownAgent
from hyperhive.limits import MailLimits
from hyperhive.store import agents
from hyperhive.wire import codec, events
from hyperhive.wire.names import EVERYONE, OPERATOR, SYSTEM, shown
from hyperhive.wire.records import Letter

QUEUED: Final = 0
LEASED: Final = 1
DONE: Final = 2
DEAD: Final = 3

Told = list[tuple[int, str]]
"""Messages that a change put into inboxes: the id of each, and whose inbox."""


@frozen(kw_only=True)
class Post:
    """A message to be sent. `via` is `self` for the operator's words that were typed in the recipient's container."""

    sender: str
    to: str
    body: str
    at: int
    in_reply_to: int | None = None
    via: str | None = None


def send(connection: Connection, post: Post, limits: MailLimits) -> int:
    """Queue a message; its id. Raises UnknownAgent or InboxFull."""
    size = len(post.body.encode())
    cursor = connection.execute(
        """
        INSERT INTO messages (sender, recipient, body, sent_at, state, in_reply_to, via)
        SELECT ?, name, ?, ?, 0, ?, ? FROM agents
        WHERE name = ? AND present AND queued < ? AND queued_bytes + ? <= ?
        """,
        (
            post.sender, post.body, post.at, post.in_reply_to, post.via,
            post.to, limits.max_inbox, size, limits.inbox_bytes,
        ),
    )  # fmt: skip
    if cursor.rowcount != 1:
        _refuse(connection, post.to, limits)
    return int(cursor.lastrowid or 0)


def send_leased(connection: Connection, post: Post, number: int, limits: MailLimits) -> tuple[Letter, bool]:
    """Send a message and lease it to that take at once, if nothing waits before it; else it is queued as by `send`.

    Returns it, and whether it is leased. Raises UnknownAgent or InboxFull.
    """
    cursor = connection.execute(
        """
        INSERT INTO messages (sender, recipient, body, sent_at, state, in_reply_to, via, lease, generation)
        SELECT ?, name, ?, ?, 1, ?, ?, ?, generation FROM agents
        WHERE name = ? AND present AND queued = 0 AND NOT paused
        """,
        (post.sender, post.body, post.at, post.in_reply_to, post.via, number, post.to),
    )
    leased = cursor.rowcount == 1
    id_ = int(cursor.lastrowid or 0) if leased else send(connection, post, limits)
    letter = Letter(
        id=id_,
        sender=post.sender,
        body=post.body,
        at=post.at,
        redelivered=False,
        in_reply_to=post.in_reply_to,
        via=post.via,
    )
    return letter, leased


def send_to_operator(connection: Connection, post: Post) -> int:
    """Put a message into the operator's list, where it is done at once: nobody leases it."""
    cursor = connection.execute(
        """
        INSERT INTO messages (sender, recipient, body, sent_at, state, in_reply_to, via, settled_at)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?)
        """,
        (post.sender, OPERATOR, post.body, post.at, DONE, post.in_reply_to, post.via, post.at),
    )
    return int(cursor.lastrowid or 0)


def send_to_all(connection: Connection, post: Post, limits: MailLimits) -> Told:
    """Queue a message for everyone but its sender, all or none; ids and recipients. Raises InboxFull."""
    # Before anything is written: a refusal after a write would have the whole batch undone, and done one by one.
    full = connection.execute(
        """
        SELECT name FROM agents
        WHERE present AND name <> ? AND (queued >= ? OR queued_bytes + ? > ?) ORDER BY name LIMIT 1
        """,
        (post.sender, limits.max_inbox, len(post.body.encode()), limits.inbox_bytes),
    ).fetchone()
    if full is not None:
        _refuse(connection, full[0], limits)
    names = [name for name in agents.names(connection) if name != post.sender]
    return [(send(connection, evolve(post, to=name), limits), name) for name in names]


def check_room(connection: Connection, to: str, size: int, limits: MailLimits) -> None:
    """Raises InboxFull unless so many bytes more would fit into the inbox."""
    agent = agents.one(connection, to)
    if agent.queued >= limits.max_inbox or _bytes_queued(connection, to) + size > limits.inbox_bytes:
        _refuse(connection, to, limits)


def tell(connection: Connection, to: str, event: events.HelperEvent, now: int) -> list[int]:
    """Queue an event from `system`, whatever waits there already; its id, none if nobody of that name has an inbox."""
    cursor = connection.execute(
        """
        INSERT INTO messages (sender, recipient, body, sent_at, state)
        SELECT ?, name, ?, ?, 0 FROM agents WHERE name = ? AND present
        """,
        (SYSTEM, codec.body_of_event(event), now, to),
    )
    return [int(cursor.lastrowid or 0)] if cursor.rowcount == 1 else []


def lease(connection: Connection, name: str, most: int, number: int) -> list[Letter]:
    """Lease the oldest queued messages of `name`, at most `most`, to the take of that `number`; none while paused."""
    rows = connection.execute(
        """
        UPDATE messages SET state = 1, lease = :number,
            generation = (SELECT generation FROM agents WHERE name = recipient)
        WHERE id IN (
            SELECT id FROM messages INDEXED BY messages_queued
            WHERE recipient = :name AND state = 0 AND NOT (SELECT paused FROM agents WHERE name = :name)
            ORDER BY id LIMIT :most
        )
        RETURNING id, sender, body, sent_at, redelivered, in_reply_to, via
        """,
        {"number": number, "name": name, "most": most},
    ).fetchall()
    rows.sort()
    return [
        Letter(id=id_, sender=sender, body=body, at=at, redelivered=bool(again), in_reply_to=reply, via=via)
        for id_, sender, body, at, again, reply, via in rows
    ]


def take(connection: Connection, name: str, most: int, number: int) -> tuple[list[Letter], bool]:
    """Lease as `lease` does; the messages, and whether more are queued behind them."""
    letters = lease(connection, name, most, number)
    return letters, len(letters) == most and unread(connection, name) > 0


def settle(connection: Connection, held: Iterable[tuple[int, int]], now: int) -> None:
    """The messages are done: pairs of a message's id and the take that leased it; others are left alone."""
    connection.executemany(
        "UPDATE messages SET state = 2, settled_at = ? WHERE id = ? AND lease = ? AND state = 1",
        [(now, id_, number) for id_, number in held],
    )


def acknowledge(connection: Connection, name: str, ids: Sequence[int], now: int) -> list[int]:
    """The recipient says that these are done; the ids that this start of it had leased, even if queued again since."""
    return _ids(
        connection,
        """
        UPDATE messages SET state = 2, settled_at = ?
        WHERE id IN (SELECT value FROM json_each(?)) AND recipient = ? AND state IN (0, 1)
            AND generation = (SELECT generation FROM agents WHERE name = recipient)
        RETURNING id
        """,
        (now, json.dumps(ids), name),
    )


def put_back(connection: Connection, held: Iterable[tuple[int, int]], *, shown: bool) -> None:
    """Queue leased messages again, in their old place; `shown` marks those that somebody may have read."""
    connection.executemany(
        """
        UPDATE messages SET state = 0, lease = NULL, redelivered = redelivered OR ?, generation = NULL
        WHERE id = ? AND lease = ? AND state = 1
        """,
        [(shown, id_, number) for id_, number in held],
    )


def requeue_all(connection: Connection) -> int:
    """After the daemon's death: queue every leased message again, marked, no attempt spent; how many."""
    return connection.execute("UPDATE messages SET state = 0, lease = NULL, redelivered = 1 WHERE state = 1").rowcount


def leased(connection: Connection, name: str, ids: Sequence[int] | None = None) -> list[int]:
    """The ids of the agent's leased messages; of `ids`, where given, those that are leased."""
    found = _ids(connection, "SELECT id FROM messages WHERE recipient = ? AND state = 1 ORDER BY id", (name,))
    return found if ids is None else [id_ for id_ in found if id_ in set(ids)]


def requeue(connection: Connection, ids: Sequence[int], now: int, *, spent: bool, limits: MailLimits, why: str) -> Told:
    """Queue leased messages again, marked. `spent` costs each an attempt; with its last one it becomes a dead letter.

    Returns the id and recipient of every event that told a sender of a dead letter.
    """
    chosen = json.dumps(ids)
    connection.execute(
        """
        UPDATE messages SET state = 0, lease = NULL, redelivered = 1, attempts = attempts + ?
        WHERE id IN (SELECT value FROM json_each(?)) AND state = 1
        """,
        (spent, chosen),
    )
    if not spent:
        return []
    dying = _ids(
        connection,
        "SELECT id FROM messages WHERE id IN (SELECT value FROM json_each(?)) AND state = 0 AND attempts >= ?",
        (chosen, limits.max_attempts),
    )
    return bury(connection, dying, f"{why}, {limits.max_attempts} times", now)


def bury(connection: Connection, ids: Sequence[int], reason: str, now: int) -> Told:
    """Make messages dead letters and tell their senders; the id and recipient of each such event."""
    if not ids:
        return []
    rows = connection.execute(
        """
        UPDATE messages SET state = 3, reason = ?, settled_at = ?
        WHERE id IN (SELECT value FROM json_each(?)) RETURNING id, sender, recipient
        """,
        (reason, now, json.dumps(ids)),
    ).fetchall()
    return [
        (told, sender)
        for id_, sender, recipient in rows
        for told in tell(connection, sender, events.Bounced(id=id_, to=recipient, reason=reason), now)
    ]


def bury_inbox(connection: Connection, name: str, reason: str, now: int) -> Told:
    """Everything undone in an inbox becomes dead letters: its owner is gone for good."""
    queued = _ids(connection, "SELECT id FROM messages WHERE recipient = ? AND state = 0", (name,))
    return bury(connection, [*leased(connection, name), *queued], reason, now)


def revive(connection: Connection, id_: int, limits: MailLimits) -> str:
    """Queue a dead letter again, its attempts forgotten; its recipient. Raises Refused, UnknownAgent or InboxFull."""
    row = connection.execute(
        "SELECT recipient, length(CAST(body AS BLOB)) FROM messages WHERE id = ? AND state = 3", (id_,)
    ).fetchone()
    if row is None:
        message = f"message {id_} is no dead letter; 'dead_letters' lists them"
        raise Refused(message)
    recipient, size = row
    check_room(connection, recipient, size, limits)
    connection.execute(
        """
        UPDATE messages SET state = 0, attempts = 0, redelivered = 1, lease = NULL, generation = NULL,
            reason = NULL, settled_at = NULL
        WHERE id = ?
        """,
        (id_,),
    )
    return str(recipient)


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
    connection.execute(
        """
        DELETE FROM messages WHERE id > ? AND id <= ? AND state = 2 AND settled_at < ?
            AND id < (SELECT max(id) FROM messages)
        """,
        (after, until, before),
    )
    return int(until)


def _refuse(connection: Connection, to: str, limits: MailLimits) -> None:
    agent = agents.found(connection, to)
    if agent is None or not agent.present:
        message = (
            f"nobody here is called {shown(to)}; a message goes to an agent of the hive ('list' names them), "
            f"to '{OPERATOR}', or to '{EVERYONE}'"
        )
        raise UnknownAgent(message)
    message = (
        f"the inbox of '{to}' is full: {agent.queued} messages wait there, and {limits.max_inbox} messages or "
        f"{limits.inbox_bytes} bytes are the most it holds; try again when some were read"
    )
    raise InboxFull(message)


def _bytes_queued(connection: Connection, name: str) -> int:
    return int(connection.execute("SELECT queued_bytes FROM agents WHERE name = ?", (name,)).fetchone()[0])


def _ids(connection: Connection, statement: str, values: tuple[object, ...]) -> list[int]:
    return [int(id_) for (id_,) in connection.execute(statement, values)]
