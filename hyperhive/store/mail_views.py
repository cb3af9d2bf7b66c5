"""Messages to look at: none is handed out, none is changed. Newest first; a list is cut at what one line may carry."""

from __future__ import annotations

from collections.abc import Sequence
from sqlite3 import Connection
from typing import Any, Final

from attrs import frozen

from hyperhive.errors import UnknownAgent
from hyperhive.limits import MOST_ROWS
from hyperhive.store import agents
from hyperhive.store.fitting import fitting
from hyperhive.store.message_states import DEAD, HELD, IN_WORDS, LEASED
from hyperhive.store.rows import the_row
from hyperhive.wire.names import OPERATOR
from hyperhive.wire.records import InboxRow, MessageRow, OpenThread
from hyperhive.wire.responses import Receipt

_COLUMNS = "id, sender, recipient, {}, sent_at, state, attempts, in_reply_to, via, thread"
_ROW = f"SELECT {_COLUMNS.format('body')} FROM messages"
_INBOX_ROW = "SELECT id, sender, body, sent_at, in_reply_to, via FROM messages"

BEGINNING: Final = 2000
"""Characters of a body that are enough to know which message it is."""


@frozen(kw_only=True)
class Opened:
    """One message with all that is known of it: why it is dead, when it was settled, in which turn it was last taken.

    `note` says why its conversation is held; `thread` is that conversation, in order, as far as one answer carries it.
    """

    message: MessageRow
    reason: str | None
    settled_at: int | None
    turn: int | None
    note: str | None
    thread: Sequence[MessageRow]


def recent(connection: Connection, name: str, limit: int) -> tuple[InboxRow, ...]:
    """The last messages to `name`, without those that are held."""
    rows = connection.execute(
        _INBOX_ROW + f" WHERE recipient = ? AND state <> {HELD} ORDER BY id DESC LIMIT ?", (name, limit)
    )
    return tuple(
        InboxRow(id=id_, sender=sender, body=body, at=at, in_reply_to=reply, via=via)
        for id_, sender, body, at, reply, via in fitting(rows, (2,))
    )


def messages(connection: Connection, agent: str | None, limit: int, before: int | None) -> tuple[MessageRow, ...]:
    """The last messages from or to `agent` (everybody's if None), with ids below `before`.

    Raises UnknownAgent where there never was an agent of that name, nor mail from or to one.
    """
    bound = 2**63 - 1 if before is None else before
    if agent is None:
        rows = connection.execute(_ROW + " WHERE id < ? ORDER BY id DESC LIMIT ?", (bound, limit))
    else:
        one_side = "SELECT * FROM ({} WHERE {} = :agent AND id < :before ORDER BY id DESC LIMIT :limit)"
        both = " UNION ".join(one_side.format(_ROW, side) for side in ("sender", "recipient"))
        rows = connection.execute(
            f"{both} ORDER BY id DESC LIMIT :limit", {"agent": agent, "before": bound, "limit": limit}
        )
    found = tuple(row_of(row) for row in fitting(rows, (3,)))
    if not found and agent is not None:
        _check_known(connection, agent)
    return found


def _check_known(connection: Connection, name: str) -> None:
    mail = "SELECT 1 FROM messages WHERE sender = :name OR recipient = :name LIMIT 1"
    if name == OPERATOR or agents.found(connection, name) or connection.execute(mail, {"name": name}).fetchone():
        return
    raise UnknownAgent(agents.unknown(name))


def dead_letters(connection: Connection) -> tuple[MessageRow, ...]:
    """The messages that were given up."""
    rows = connection.execute(_ROW + f" WHERE state = {DEAD} ORDER BY id DESC LIMIT ?", (MOST_ROWS,))
    return tuple(row_of(row) for row in fitting(rows, (3,)))


def message(connection: Connection, id_: int) -> MessageRow | None:
    """One message; None if it is gone."""
    row = connection.execute(_ROW + " WHERE id = ?", (id_,)).fetchone()
    return None if row is None else row_of(row)


def opened(connection: Connection, id_: int) -> Opened | None:
    """One message with its conversation; None if it is gone."""
    row = connection.execute(
        """
        SELECT coalesce(thread, id), reason, settled_at, turn,
            (SELECT note FROM held_threads WHERE held_threads.thread = coalesce(messages.thread, messages.id))
        FROM messages WHERE id = ?
        """,
        (id_,),
    ).fetchone()
    found = message(connection, id_)
    if row is None or found is None:
        return None
    thread, reason, settled_at, turn, note = row
    # Two looks, as SQLite uses the index of threads for neither side of an OR.
    rest = connection.execute(
        _ROW + " WHERE -thread = ? AND thread IS NOT NULL ORDER BY id LIMIT ?", (-thread, MOST_ROWS)
    )
    first = connection.execute(_ROW + " WHERE id = ?", (thread,))
    told = tuple(row_of(row) for row in fitting([*first, *rest], (3,)))
    return Opened(message=found, reason=reason, settled_at=settled_at, turn=turn, note=note, thread=told)


def selected(connection: Connection, rest: str, values: Sequence[object], characters: int) -> list[tuple[Any, ...]]:
    """The rows for which what follows `WHERE` holds, with at most so many characters of each body; for `row_of`."""
    columns = _COLUMNS.format(f"substr(body, 1, {characters})")
    return connection.execute(f"SELECT {columns} FROM messages WHERE {rest}", values).fetchall()


def receipt(connection: Connection, sender: str, id_: int) -> Receipt:
    """What became of a message of that sender's. Raises Refused, in the same words for others' and nobody's."""
    found = "SELECT state, attempts, coalesce(settled_at, sent_at) FROM messages WHERE id = ? AND sender = ?"
    otherwise = (
        f"you sent no message {id_}, or it was done long ago and is forgotten; "
        "'send' answers with the id of what it sent"
    )
    state, attempts, at = the_row(connection, found, (id_, sender), otherwise)
    return Receipt(id_, IN_WORDS[state], attempts, at)


def in_hand(connection: Connection, name: str) -> list[OpenThread]:
    """The mail that was handed to the agent and is not settled."""
    rows = connection.execute(
        f"""
        SELECT id, sender, body, sent_at, via FROM messages
        WHERE recipient = ? AND state = {LEASED} ORDER BY id LIMIT ?
        """,
        (name, MOST_ROWS),
    )
    return [
        OpenThread(direction="owes", kind="message", id=id_, peer=sender, text=body, since=at, via=via)
        for id_, sender, body, at, via in fitting(rows, (2,))
    ]


def counts_in_hand(connection: Connection) -> dict[str, int]:
    """For each agent that has some: how many messages are leased to it."""
    counts = f"SELECT recipient, count(*) FROM messages WHERE state = {LEASED} GROUP BY recipient"
    return dict(connection.execute(counts))


def row_of(row: tuple[Any, ...]) -> MessageRow:
    """A row that `selected` found, as the operator sees it."""
    id_, sender, recipient, body, at, state, attempts, reply, via, thread = row
    return MessageRow(
        id=id_,
        sender=sender,
        recipient=recipient,
        body=body,
        at=at,
        state=IN_WORDS[state],
        attempts=attempts,
        in_reply_to=reply,
        via=via,
        thread=thread,
    )
