"""The table of kept replies: what an agent wrote in a turn, in answer to that turn's mail, until the turn ends."""

from __future__ import annotations

from sqlite3 import Connection

from attrs import evolve, frozen

from hyperhive.errors import Refused, UnknownAgent
from hyperhive.limits import MOST_KEPT, MailLimits
from hyperhive.store import mail
from hyperhive.store.mail import Post, Told
from hyperhive.store.message_states import DEAD, LEASED, QUEUED
from hyperhive.store.rows import ids_of
from hyperhive.wire import events
from hyperhive.wire.names import OPERATOR, shown

_IN_FRONT = 256
"""How many messages are looked at: those that a daemon's restart took out of the agent's hands wait in front of all."""


@frozen(kw_only=True)
class Kept:
    """A reply that waits for the end of a turn."""

    turn: int
    recipient: str
    body: str
    in_reply_to: int


def cause(connection: Connection, turn: int, name: str, to: str) -> int | None:
    """The newest message from `to` that the agent `name` has in hand in that turn."""
    for index, state in (("messages_leased", LEASED), ("messages_queued", QUEUED)):
        row = connection.execute(
            f"""
            SELECT max(id) FROM (
                SELECT id, turn, sender FROM messages INDEXED BY {index}
                WHERE recipient = ? AND state = {state} ORDER BY id LIMIT {_IN_FRONT}
            ) WHERE turn = ? AND sender = ?
            """,
            (name, turn, to),
        ).fetchone()
        if row[0] is not None:
            return int(row[0])
    return None


def is_in_hand(connection: Connection, turn: int, name: str, id_: int) -> bool:
    """Whether the agent `name` has that message in hand in that turn."""
    in_hand = f"id = ? AND recipient = ? AND turn = ? AND state IN ({QUEUED}, {LEASED})"
    return connection.execute(f"SELECT 1 FROM messages WHERE {in_hand}", (id_, name, turn)).fetchone() is not None


def keep(connection: Connection, kept: Kept) -> None:
    """Keep a reply until its turn ends; one that says the same to the same is kept once. Raises Refused."""
    row = (kept.turn, kept.recipient, kept.body, kept.in_reply_to)
    same = "turn = ? AND recipient = ? AND body = ? AND in_reply_to = ?"
    if connection.execute(f"SELECT 1 FROM kept_replies WHERE {same}", row).fetchone():
        return
    if count(connection, kept.turn) >= MOST_KEPT:
        message = f"turn {kept.turn} keeps {MOST_KEPT} replies for its end, and no more; say it in one of them"
        raise Refused(message)
    connection.execute("INSERT INTO kept_replies (turn, recipient, body, in_reply_to) VALUES (?, ?, ?, ?)", row)


def count(connection: Connection, turn: int) -> int:
    """How many replies are kept for the end of that turn."""
    return int(connection.execute("SELECT count(*) FROM kept_replies WHERE turn = ?", (turn,)).fetchone()[0])


def causes(connection: Connection, turn: int) -> list[int]:
    """The messages that the replies kept for the end of that turn answer."""
    return ids_of(connection, "SELECT in_reply_to FROM kept_replies WHERE turn = ?", (turn,))


def forget(connection: Connection, turn: int) -> None:
    """The turn did not end well, and what it kept is not sent."""
    connection.execute("DELETE FROM kept_replies WHERE turn = ?", (turn,))


def leave(connection: Connection, turn: int, sender: str, limits: MailLimits, now: int) -> Told:
    """Send what was kept for the end of that turn; ids and recipients of what is then in inboxes.

    A reply that can't be sent any more, as its recipient has left the hive or its conversation holds all it may, is a
    dead letter at once, of which the sender is told.
    """
    # There was room when it was kept; that others have filled the inbox since must not undo the turn.
    roomy = evolve(limits, max_inbox=2**62, inbox_bytes=2**62)
    rows = connection.execute(
        "SELECT recipient, body, in_reply_to FROM kept_replies WHERE turn = ? ORDER BY id", (turn,)
    ).fetchall()
    forget(connection, turn)
    told: Told = []
    for recipient, body, in_reply_to in rows:
        post = Post(sender=sender, to=recipient, body=body, at=now, in_reply_to=in_reply_to)
        told += _send(connection, post, roomy)
    return told


def _send(connection: Connection, post: Post, limits: MailLimits) -> Told:
    try:
        if post.to == OPERATOR:
            sent = mail.send_to_operator(connection, post, limits)
        else:
            sent = mail.send(connection, post, limits)
    except UnknownAgent:
        reason = f"{shown(post.to)} has left the hive before the turn ended in which this was written"
        return _bounce(connection, post, reason)
    except Refused as refusal:
        return _bounce(connection, post, str(refusal))
    return [(sent.id, sent.to), *sent.told]


def _bounce(connection: Connection, post: Post, reason: str) -> Told:
    """Make a dead letter of what could not be sent, and tell its sender."""
    id_ = mail.put(connection, post, DEAD, reason=reason)
    bounced = events.Bounced(id=id_, to=post.to, reason=reason)
    return [(told, post.sender) for told in mail.tell(connection, post.sender, bounced, post.at)]
