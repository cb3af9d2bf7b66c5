"""Conversations: which one a message belongs to, how far agents have gone on in it by themselves, and when it is held.

A message with a cause (`in_reply_to`) belongs to the conversation of its cause, any other begins one. A reply from one
agent to another is one hop further than its cause; with the operator or `system` on either side it is no hop.
"""

from __future__ import annotations

import json
from sqlite3 import Connection
from typing import Final

from attrs import frozen

from hyperhive.errors import Refused
from hyperhive.limits import MOST_HELD, MailLimits
from hyperhive.store.message_states import HELD
from hyperhive.wire.names import DEAF, OPERATOR

_NO_AGENTS: Final = DEAF | {OPERATOR}


@frozen
class Place:
    """Where a message stands: the message that began its conversation, None if that is itself, and its hops.

    `held`: it waits for the operator; `note` says why, where it is the first that does.
    """

    thread: int | None = None
    hops: int = 0
    held: bool = False
    note: str | None = None


LOOKED_AT: Final = 50
"""How many times as many messages as the rate allows are looked at: among so many, two who go round are found."""
BEGINNING: Final = Place()
"""Where every message without a cause stands."""


def place(connection: Connection, sender: str, to: str, cause: int, now: int, limits: MailLimits) -> Place:
    """Where a message that `cause` led to stands; a cause that an agent had nothing to do with is none.

    Raises Refused if its conversation is held, and holds as many messages as it may.
    """
    found = connection.execute(
        """
        SELECT coalesce(thread, id), hops FROM messages
        WHERE id = :cause AND (:sender IN (sender, recipient) OR :sender = :operator)
        """,
        {"cause": cause, "sender": sender, "operator": OPERATOR},
    ).fetchone()
    if found is None:
        return BEGINNING
    thread, hops = found
    if sender in _NO_AGENTS or to in _NO_AGENTS:
        return Place(thread)
    if connection.execute("SELECT 1 FROM held_threads WHERE thread = ?", (thread,)).fetchone():
        _check_room(connection, thread)
        return Place(thread, hops + 1, held=True)
    note = _objection(connection, thread, (sender, to), hops + 1, now, limits)
    return Place(thread, hops + 1, held=note is not None, note=note)


def count_anew(connection: Connection, thread: int) -> None:
    """The operator had a word in that conversation: what came before counts no more."""
    connection.execute("UPDATE messages SET hops = 0 WHERE thread = ? AND hops > 0", (thread,))


def hold(connection: Connection, thread: int, note: str, now: int) -> tuple[str, ...]:
    """Hold a conversation from now on; the agents in it."""
    agents = tuple(
        name
        for (name,) in connection.execute(
            """
            SELECT sender FROM messages WHERE thread = :thread AND hops > 0
            UNION SELECT recipient FROM messages WHERE thread = :thread AND hops > 0
            """,
            {"thread": thread},
        )
    )
    connection.execute(
        "INSERT INTO held_threads (thread, agents, note, held_at) VALUES (?, ?, ?, ?)",
        (thread, json.dumps(agents), note, now),
    )
    return agents


def _check_room(connection: Connection, thread: int) -> None:
    counts = f"SELECT count(*) FROM messages WHERE state = {HELD} AND thread = ?"
    (held,) = connection.execute(counts, (thread,)).fetchone()
    if held >= MOST_HELD:
        message = (
            f"conversation {thread} is held, and {held} of its messages wait already, the most there may be; "
            "nothing more is taken in until the operator releases it"
        )
        raise Refused(message)


def _objection(
    connection: Connection, thread: int, pair: tuple[str, str], hops: int, now: int, limits: MailLimits
) -> str | None:
    """Why a message goes too far; None if it does not. Of many who answer one message once each, nobody goes round."""
    way_out = f"'hivectl messages' shows what they say, 'hivectl release {thread}' lets them go on"
    if hops > limits.thread_hops:
        return f"{limits.thread_hops} messages led from one to the next without a word of the operator's; {way_out}"
    # The oldest of so many: where it is recent, all of them are. Where it is yet to come, the clock was set back.
    oldest = connection.execute(
        """
        SELECT sent_at FROM (
            SELECT id, sent_at, sender, recipient FROM messages
            WHERE thread = :thread AND hops > 0 ORDER BY id DESC LIMIT :looked_at
        )
        WHERE (sender = :one AND recipient = :other) OR (sender = :other AND recipient = :one)
        ORDER BY id DESC LIMIT 1 OFFSET :others
        """,
        {
            "thread": thread,
            "looked_at": LOOKED_AT * limits.thread_rate,
            "one": pair[0],
            "other": pair[1],
            "others": limits.thread_rate - 1,
        },
    ).fetchone()
    if oldest is not None and now - limits.thread_seconds < oldest[0] <= now:
        between = f"between {min(pair)} and {max(pair)} within {limits.thread_seconds} seconds"
        return f"{limits.thread_rate} messages went {between}; {way_out}"
    return None
