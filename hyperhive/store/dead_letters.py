"""Dead letters: mail that was given up, and what becomes of it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from sqlite3 import Connection

from hyperhive.limits import MailLimits
from hyperhive.store.bounds import check_room
from hyperhive.store.mail import Told, tell
from hyperhive.store.message_states import DEAD, LEASED, QUEUED
from hyperhive.store.rows import ids_of, the_row
from hyperhive.wire import events


def any_of(connection: Connection, ids: Sequence[int]) -> bool:
    """Whether one of those messages is a dead letter."""
    row = connection.execute(
        f"SELECT 1 FROM messages WHERE id IN (SELECT value FROM json_each(?)) AND state = {DEAD} LIMIT 1",
        (json.dumps(list(ids)),),
    ).fetchone()
    return row is not None


def bury(connection: Connection, ids: Sequence[int], reason: str, now: int) -> Told:
    """Make messages dead letters and tell their senders; the id and recipient of each such event."""
    if not ids:
        return []
    rows = connection.execute(
        f"""
        UPDATE messages SET state = {DEAD}, reason = ?, settled_at = ?
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
    undone = [
        id_
        for state in (LEASED, QUEUED)
        for id_ in ids_of(connection, f"SELECT id FROM messages WHERE recipient = ? AND state = {state}", (name,))
    ]
    return bury(connection, undone, reason, now)


def revive(connection: Connection, id_: int, limits: MailLimits) -> str:
    """Queue a dead letter again, its attempts forgotten; its recipient. Raises Refused, UnknownAgent or InboxFull."""
    otherwise = f"message {id_} is no dead letter; 'dead_letters' lists them"
    dead = f"SELECT recipient, length(CAST(body AS BLOB)) FROM messages WHERE id = ? AND state = {DEAD}"
    recipient, size = the_row(connection, dead, (id_,), otherwise)
    check_room(connection, recipient, size, limits)
    connection.execute(
        f"""
        UPDATE messages SET state = {QUEUED}, attempts = 0, redelivered = 1, lease = NULL, generation = NULL,
            reason = NULL, settled_at = NULL
        WHERE id = ?
        """,
        (id_,),
    )
    return str(recipient)
