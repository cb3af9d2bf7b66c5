"""The held conversations: which there are, and how one is let go."""

from __future__ import annotations

import json
from sqlite3 import Connection

from attrs import frozen

from hyperhive.errors import Refused
from hyperhive.limits import MOST_ROWS
from hyperhive.store import threads
from hyperhive.store.dead_letters import bury
from hyperhive.store.mail import Told
from hyperhive.store.message_states import HELD, QUEUED
from hyperhive.store.rows import ids_of
from hyperhive.wire.turns import HeldThread


@frozen(kw_only=True)
class Released:
    """What became of the mail of a conversation.

    `told`: the messages that are in inboxes now, events to the senders of the others among them; `buried`: what became
    dead letters, as its recipients are no longer in the hive.
    """

    told: Told
    buried: Told


def listed(connection: Connection) -> tuple[HeldThread, ...]:
    """The held conversations, the first that was held first."""
    rows = connection.execute(
        f"""
        SELECT thread, agents, held_at, note,
            (SELECT count(*) FROM messages WHERE state = {HELD} AND messages.thread = held_threads.thread)
        FROM held_threads ORDER BY held_at, thread LIMIT ?
        """,
        (MOST_ROWS,),
    )
    return tuple(
        HeldThread(thread=thread, agents=tuple(json.loads(agents)), since=at, messages=messages, note=note)
        for thread, agents, at, note, messages in rows
    )


def release(connection: Connection, thread: int, now: int) -> Released:
    """Queue the mail of a held conversation, and count its hops and its rate anew. Raises Refused if it is not held."""
    if connection.execute("DELETE FROM held_threads WHERE thread = ?", (thread,)).rowcount != 1:
        message = f"conversation {thread} is not held; 'held' lists those that are"
        raise Refused(message)
    threads.count_anew(connection, thread)
    gone = connection.execute(
        f"""
        SELECT id, recipient FROM messages WHERE state = {HELD} AND thread = ?
            AND recipient NOT IN (SELECT name FROM agents WHERE present)
        """,
        (thread,),
    ).fetchall()
    bounced = bury(connection, [id_ for id_, _ in gone], "its recipient is no longer in the hive", now)
    queued = connection.execute(
        f"UPDATE messages SET state = {QUEUED} WHERE state = {HELD} AND thread = ? RETURNING id, recipient", (thread,)
    ).fetchall()
    return Released(told=[*sorted(queued), *bounced], buried=gone)


def bury_held(connection: Connection, name: str, reason: str, now: int) -> Told:
    """What is held for that agent becomes dead letters, and a conversation in which then nothing waits is let go.

    Returns the id and recipient of every event that told a sender of it.
    """
    held = ids_of(connection, f"SELECT id FROM messages WHERE state = {HELD} AND recipient = ?", (name,))
    told = bury(connection, held, reason, now)
    connection.execute(
        f"DELETE FROM held_threads WHERE thread NOT IN (SELECT thread FROM messages WHERE state = {HELD})"
    )  # fmt: skip
    return told
