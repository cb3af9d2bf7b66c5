"""Pages about messages."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hyperhive.hivectl.agent_pages import styled
from hyperhive.hivectl.page import Column, Line, Page, Remark, Table, View

if TYPE_CHECKING:
    from hyperhive.wire.records import InboxRow, MessageRow
    from hyperhive.wire.responses import HostResponse
    from hyperhive.wire.turns import HeldThread


def sent(reply: HostResponse, _view: View) -> Page:
    """The numbers of what was sent."""
    ids = reply.ids if reply.ids is not None else () if reply.id is None else (reply.id,)
    if len(ids) == 1:
        return (Line(f"Message {ids[0]} is on its way."),)
    return (Line(f"{len(ids)} messages are on their way: {', '.join(map(str, ids))}." if ids else "It is on its way."),)


def inbox(reply: HostResponse, view: View) -> Page:
    """The operator's mail, newest first."""
    rows = reply.inbox or ()
    if not rows:
        return (Remark("Nobody wrote to the operator."),)
    columns = (Column("ID", right=True), Column("FROM"), Column("AT"), Column("REPLY TO", right=True), _BODY)
    return (Table(columns, [_inbox_row(row, view) for row in rows]).without_empty("REPLY TO"),)


def messages(reply: HostResponse, view: View) -> Page:
    """Messages with where they stand, newest first."""
    rows = reply.messages or ()
    if not rows:
        return (Remark("There is no such message."),)
    columns = (
        Column("ID", right=True), Column("FROM"), Column("TO"), Column("AT"), Column("STATE"),
        Column("ATTEMPTS", right=True), Column("REPLY TO", right=True), Column("THREAD", right=True), _BODY,
    )  # fmt: skip
    table = Table(columns, [_message_row(row, view) for row in rows])
    return (table.without_empty("ATTEMPTS", "REPLY TO", "THREAD"),)


def held(reply: HostResponse, view: View) -> Page:
    """The held conversations, and why each is."""
    rows = reply.held or ()
    if not rows:
        return (Remark("No conversation is held."),)
    columns = (
        Column("THREAD", right=True), Column("AGENTS"), Column("SINCE"), Column("WAITING", right=True),
        Column("WHY", long=True),
    )  # fmt: skip
    return (Table(columns, [_held_row(row, view) for row in rows]),)


def dead_letters(reply: HostResponse, view: View) -> Page:
    """The messages that were given up, and what to do about them."""
    if not reply.messages:
        return (Remark("There is no dead letter."),)
    hint = (
        (Line("hivectl logs NAME says why one was given up; hivectl requeue ID queues it again.", "dim"),)
        if view.terminal
        else ()
    )
    return (*messages(reply, view), *hint)


def sentence_of_message(row: MessageRow, view: View) -> str:
    """One message in one line."""
    return f"message {row.id}: {who(row)} to {row.recipient}, {_state(row)}: {view.brief(row.body)}"


def who(row: InboxRow | MessageRow) -> str:
    """Who sent a message; `via self` where the agent's own container claims to speak for the operator."""
    return f"{row.sender} via {row.via}" if row.via else row.sender


def _inbox_row(row: InboxRow, view: View) -> tuple[str, ...]:
    return (str(row.id), who(row), view.moment(row.at), str(row.in_reply_to or ""), row.body)


def _message_row(row: MessageRow, view: View) -> tuple[str | Line, ...]:
    return (
        str(row.id), who(row), row.recipient, view.moment(row.at), styled(_state(row)), str(row.attempts or ""),
        str(row.in_reply_to or ""), str(row.thread or ""), row.body,
    )  # fmt: skip


def _state(row: MessageRow) -> str:
    """Where it stands, in a word; what the wire calls leased is in somebody's hands."""
    return {"leased": "in hand"}.get(row.state.value, row.state.value)


def _held_row(row: HeldThread, view: View) -> tuple[str, ...]:
    return (str(row.thread), ", ".join(row.agents), view.moment(row.since), str(row.messages), row.note)


_BODY = Column("BODY", long=True)
