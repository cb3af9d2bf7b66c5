"""Leases: mail in somebody's hands, until it is settled, comes back, or is given up."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from sqlite3 import Connection
from typing import Any, NamedTuple

from hyperhive.limits import MailLimits
from hyperhive.store.dead_letters import bury
from hyperhive.store.mail import Told, unread
from hyperhive.store.message_states import DONE, LEASED, QUEUED
from hyperhive.store.rows import ids_of
from hyperhive.wire.records import Letter


def lease(connection: Connection, name: str, most: int, number: int) -> list[Letter]:
    """Lease the oldest queued messages of `name`, at most `most`, to the take of that `number`; none while paused."""
    rows = connection.execute(
        f"""
        UPDATE messages SET state = {LEASED}, lease = :number,
            generation = (SELECT generation FROM agents WHERE name = recipient),
            turn = (SELECT id FROM turns WHERE agent = recipient AND ended_at IS NULL)
        WHERE id IN (
            SELECT id FROM messages INDEXED BY messages_queued
            WHERE recipient = :name AND state = {QUEUED} AND NOT (SELECT paused FROM agents WHERE name = :name)
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
        f"""
        UPDATE messages SET state = {LEASED}, lease = ?
        WHERE id IN (SELECT value FROM json_each(?)) AND recipient = ? AND turn = ? AND state = {QUEUED}
            AND generation = (SELECT generation FROM agents WHERE name = recipient)
        RETURNING id, sender, body, sent_at, redelivered, in_reply_to, via
        """,
        (number, json.dumps(list(ids)), name, turn),
    ).fetchall()
    return _letters(rows)


class Taken(NamedTuple):
    """What a take has leased, and whether more is queued behind it."""

    letters: list[Letter]
    more: bool


def take(connection: Connection, name: str, most: int, number: int) -> Taken:
    """Lease as `lease` does."""
    letters = lease(connection, name, most, number)
    return Taken(letters, more=len(letters) == most and unread(connection, name) > 0)


def settle(connection: Connection, held: Iterable[tuple[int, int]], now: int) -> None:
    """The messages are done: pairs of a message's id and the take that leased it; others are left alone."""
    connection.executemany(
        f"UPDATE messages SET state = {DONE}, settled_at = ? WHERE id = ? AND lease = ? AND state = {LEASED}",
        [(now, id_, number) for id_, number in held],
    )


def acknowledge(connection: Connection, name: str, ids: Sequence[int], now: int) -> list[int]:
    """The recipient says that these are done; the ids that this start of it had leased, even if queued again since."""
    return ids_of(
        connection,
        f"""
        UPDATE messages SET state = {DONE}, settled_at = ?
        WHERE id IN (SELECT value FROM json_each(?)) AND recipient = ? AND state IN ({QUEUED}, {LEASED})
            AND generation = (SELECT generation FROM agents WHERE name = recipient)
        RETURNING id
        """,
        (now, json.dumps(ids), name),
    )


def put_back(connection: Connection, held: Iterable[tuple[int, int]], *, shown: bool) -> None:
    """Queue leased messages again, in their old place; `shown` marks those that somebody may have read."""
    connection.executemany(
        f"""
        UPDATE messages SET state = {QUEUED}, lease = NULL, redelivered = redelivered OR ?, generation = NULL,
            turn = NULL
        WHERE id = ? AND lease = ? AND state = {LEASED}
        """,
        [(shown, id_, number) for id_, number in held],
    )


def requeue_all(connection: Connection) -> int:
    """After the daemon's death: queue every leased message again, marked, no attempt spent; how many."""
    return connection.execute(
        f"UPDATE messages SET state = {QUEUED}, lease = NULL, redelivered = 1 WHERE state = {LEASED}"
    ).rowcount


def leased(connection: Connection, name: str, ids: Sequence[int] | None = None) -> list[int]:
    """The ids of the agent's leased messages; of `ids`, where given, those that are leased."""
    theirs = f"SELECT id FROM messages WHERE recipient = ? AND state = {LEASED} ORDER BY id"
    found = ids_of(connection, theirs, (name,))
    if ids is None:
        return found
    chosen = set(ids)
    return [id_ for id_ in found if id_ in chosen]


def leased_in(connection: Connection, name: str, turn: int) -> set[int]:
    """The ids of the agent's leased messages that were leased in that turn."""
    theirs = f"SELECT id FROM messages WHERE recipient = ? AND state = {LEASED} AND turn = ?"
    return set(ids_of(connection, theirs, (name, turn)))


def requeue(connection: Connection, ids: Sequence[int], now: int, *, spent: bool, limits: MailLimits, why: str) -> Told:
    """Queue leased messages again, marked. `spent` costs each an attempt; with its last one it becomes a dead letter.

    Returns the id and recipient of every event that told a sender of a dead letter.
    """
    chosen = json.dumps(ids)
    connection.execute(
        f"""
        UPDATE messages SET state = {QUEUED}, lease = NULL, redelivered = 1, attempts = attempts + ?
        WHERE id IN (SELECT value FROM json_each(?)) AND state = {LEASED}
        """,
        (spent, chosen),
    )
    if not spent:
        return []
    dying = ids_of(
        connection,
        f"SELECT id FROM messages WHERE id IN (SELECT value FROM json_each(?)) AND state = {QUEUED} AND attempts >= ?",
        (chosen, limits.max_attempts),
    )
    return bury(connection, dying, f"{why}, {limits.max_attempts} times", now)


def _letters(rows: Iterable[tuple[Any, ...]]) -> list[Letter]:
    return [
        Letter(id=id_, sender=sender, body=body, at=at, redelivered=bool(again), in_reply_to=reply, via=via)
        for id_, sender, body, at, again, reply, via in sorted(rows)
    ]
