"""Messages to look at: none is handed out, none is changed. Newest first; a list is cut at what one line may carry."""

from __future__ import annotations

from sqlite3 import Connection
from typing import Any

from hyperhive.errors import Refused
from hyperhive.limits import MOST_ROWS
from hyperhive.store.fitting import fitting
from hyperhive.wire.records import InboxRow, MessageRow, OpenThread
from hyperhive.wire.responses import Receipt
from hyperhive.wire.states import MessageState

_STATES = (MessageState.QUEUED, MessageState.LEASED, MessageState.DONE, MessageState.DEAD, MessageState.HELD)
_ROW = "SELECT id, sender, recipient, body, sent_at, state, attempts, in_reply_to, via, thread FROM messages"
_INBOX_ROW = "SELECT id, sender, body, sent_at, in_reply_to, via FROM messages"


def recent(connection: Connection, name: str, limit: int) -> tuple[InboxRow, ...]:
    """The last messages to `name`, without those that are held."""
    rows = connection.execute(
        _INBOX_ROW + " WHERE recipient = ? AND state <> 4 ORDER BY id DESC LIMIT ?", (name, limit)
    )
    return tuple(
        InboxRow(id=id_, sender=sender, body=body, at=at, in_reply_to=reply, via=via)
        for id_, sender, body, at, reply, via in fitting(rows, (2,))
    )


def messages(connection: Connection, agent: str | None, limit: int, before: int | None) -> tuple[MessageRow, ...]:
    """The last messages from or to `agent` (everybody's if None), with ids below `before`."""
    bound = 2**63 - 1 if before is None else before
    if agent is None:
        rows = connection.execute(_ROW + " WHERE id < ? ORDER BY id DESC LIMIT ?", (bound, limit))
    else:
        one_side = "SELECT * FROM ({} WHERE {} = :agent AND id < :before ORDER BY id DESC LIMIT :limit)"
        both = " UNION ".join(one_side.format(_ROW, side) for side in ("sender", "recipient"))
        rows = connection.execute(
            f"{both} ORDER BY id DESC LIMIT :limit", {"agent": agent, "before": bound, "limit": limit}
        )
    return tuple(_message(row) for row in fitting(rows, (3,)))


def dead_letters(connection: Connection) -> tuple[MessageRow, ...]:
    """The messages that were given up."""
    rows = connection.execute(_ROW + " WHERE state = 3 ORDER BY id DESC LIMIT ?", (MOST_ROWS,))
    return tuple(_message(row) for row in fitting(rows, (3,)))


def message(connection: Connection, id_: int) -> MessageRow | None:
    """One message; None if it is gone."""
    row = connection.execute(_ROW + " WHERE id = ?", (id_,)).fetchone()
    return None if row is None else _message(row)


def receipt(connection: Connection, sender: str, id_: int) -> Receipt:
    """What became of a message of that sender's. Raises Refused, in the same words for others' and nobody's."""
    row = connection.execute(
        "SELECT state, attempts, coalesce(settled_at, sent_at) FROM messages WHERE id = ? AND sender = ?",
        (id_, sender),
    ).fetchone()
    if row is None:
        refusal = (
            f"you sent no message {id_}, or it was done long ago and is forgotten; "
            "'send' answers with the id of what it sent"
        )
        raise Refused(refusal)
    state, attempts, at = row
    return Receipt(id_, _STATES[state], attempts, at)


def in_hand(connection: Connection, name: str) -> list[OpenThread]:
    """The mail that was handed to the agent and is not settled."""
    rows = connection.execute(
        "SELECT id, sender, body, sent_at, via FROM messages WHERE recipient = ? AND state = 1 ORDER BY id LIMIT ?",
        (name, MOST_ROWS),
    )
    return [
        OpenThread(direction="owes", kind="message", id=id_, peer=sender, text=body, since=at, via=via)
        for id_, sender, body, at, via in fitting(rows, (2,))
    ]


def counts_in_hand(connection: Connection) -> dict[str, int]:
    """For each agent that has some: how many messages are leased to it."""
    return dict(connection.execute("SELECT recipient, count(*) FROM messages WHERE state = 1 GROUP BY recipient"))


def _message(row: tuple[Any, ...]) -> MessageRow:
    id_, sender, recipient, body, at, state, attempts, reply, via, thread = row
    return MessageRow(
        id=id_,
        sender=sender,
        recipient=recipient,
        body=body,
        at=at,
        state=_STATES[state],
        attempts=attempts,
        in_reply_to=reply,
        via=via,
        thread=thread,
    )
