"""Leases: mail in somebody's hands, until it is settled, comes back, or is given up."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from sqlite3 import Connection
from typing import Any

from hyperhive.limits import MailLimits
from hyperhive.store.dead_letters import bury
from hyperhive.store.mail import Told, ids_of, unread
from hyperhive.wire.records import Letter


def lease(connection: Connection, name: str, most: int, number: int) -> list[Letter]:
    """Lease the oldest queued messages of `name`, at most `most`, to the take of that `number`; none while paused."""
    rows = connection.execute(
        """
        UPDATE messages SET state = 1, lease = :number,
            generation = (SELECT generation FROM agents WHERE name = recipient),
            turn = (SELECT id FROM turns WHERE agent = recipient AND ended_at IS NULL)
        WHERE id IN (
            SELECT id FROM messages INDEXED BY messages_queued
            WHERE recipient = :name AND state = 0 AND NOT (SELECT paused FROM agents WHERE name = :name)
            ORDER BY id LIMIT :most
        )
        RETURNING id, sender, body, sent_at, redelivered, in_reply_to, via
        """,
        {"number": number, "name": name, "most": most},
    ).fetchall()
    return _letters(rows)


def resume(connection: Connection, name: str, turn: int, ids: Sequence[int], number: int) -> list[Letter]:
    """Lease again to the take of that number what was queued again while the agent is in that turn with it."""
    rows = connection.execute(
        """
        UPDATE messages SET state = 1, lease = ?
        WHERE id IN (SELECT value FROM json_each(?)) AND recipient = ? AND turn = ? AND state = 0
            AND generation = (SELECT generation FROM agents WHERE name = recipient)
        RETURNING id, sender, body, sent_at, redelivered, in_reply_to, via
        """,
        (number, json.dumps(list(ids)), name, turn),
    ).fetchall()
    return _letters(rows)


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
    return ids_of(
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
        UPDATE messages SET state = 0, lease = NULL, redelivered = redelivered OR ?, generation = NULL, turn = NULL
        WHERE id = ? AND lease = ? AND state = 1
        """,
        [(shown, id_, number) for id_, number in held],
    )


def requeue_all(connection: Connection) -> int:
    """After the daemon's death: queue every leased message again, marked, no attempt spent; how many."""
    return connection.execute("UPDATE messages SET state = 0, lease = NULL, redelivered = 1 WHERE state = 1").rowcount


def leased(connection: Connection, name: str, ids: Sequence[int] | None = None) -> list[int]:
    """The ids of the agent's leased messages; of `ids`, where given, those that are leased."""
    found = ids_of(connection, "SELECT id FROM messages WHERE recipient = ? AND state = 1 ORDER BY id", (name,))
    if ids is None:
        return found
    chosen = set(ids)
    return [id_ for id_ in found if id_ in chosen]


def leased_in(connection: Connection, name: str, turn: int) -> set[int]:
    """The ids of the agent's leased messages that were leased in that turn."""
    return set(
        ids_of(connection, "SELECT id FROM messages WHERE recipient = ? AND state = 1 AND turn = ?", (name, turn))
    )


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
    dying = ids_of(
        connection,
        "SELECT id FROM messages WHERE id IN (SELECT value FROM json_each(?)) AND state = 0 AND attempts >= ?",
        (chosen, limits.max_attempts),
    )
    return bury(connection, dying, f"{why}, {limits.max_attempts} times", now)


def _letters(rows: Iterable[tuple[Any, ...]]) -> list[Letter]:
    return [
        Letter(id=id_, sender=sender, body=body, at=at, redelivered=bool(again), in_reply_to=reply, via=via)
        for id_, sender, body, at, again, reply, via in sorted(rows)
    ]
