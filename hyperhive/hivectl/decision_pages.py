"""Pages about what waits for the operator: approvals and questions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from hyperhive.hivectl.agent_pages import styled
from hyperhive.hivectl.page import Column, Line, Page, Remark, Table, View

if TYPE_CHECKING:
    from hyperhive.wire.records import Approval, Question
    from hyperhive.wire.responses import HostResponse


NO_ROOM: Final = "which these leave no room for: answer or cancel some of these first"


def pending(reply: HostResponse, view: View) -> Page:
    """What waits for a yes or no."""
    rows = reply.approvals or ()
    page: list[Line | Table | Remark] = []
    if rows:
        columns = (
            Column("ID", right=True), Column("KIND"), Column("AGENT"), Column("COMMIT"), Column("REQUESTED"),
            Column("DESCRIPTION", long=True),
        )  # fmt: skip
        page.append(Table(columns, [_waiting(row, view) for row in rows]).without_empty("COMMIT", "DESCRIPTION"))
        page.extend(Line(f"{row.id} is {stale(row)}", "yellow") for row in rows if row.stale)
    elif not reply.more:
        page.append(Remark("No approval waits."))
    if reply.more:
        page.append(Line(f"{reply.more} more: hivectl pending --all shows them."))
    return page


def all_approvals(reply: HostResponse, view: View) -> Page:
    """Every approval, decided ones too."""
    rows = reply.approvals or ()
    if not rows:
        return (Remark("There was never an approval."),)
    columns = (
        Column("ID", right=True), Column("KIND"), Column("AGENT"), Column("COMMIT"), Column("REQUESTED"),
        Column("STATUS"), Column("BY"), Column("OPERATION", right=True), Column("NOTE", long=True),
    )  # fmt: skip
    return (Table(columns, [_decided(row, view) for row in rows]).without_empty("COMMIT", "BY", "OPERATION", "NOTE"),)


def questions(reply: HostResponse, view: View) -> Page:
    """The open questions."""
    return _questions(reply, view, "No question is open.", "STATUS", "ANSWER", "BY")


def all_questions(reply: HostResponse, view: View) -> Page:
    """Questions, open and closed, with the answers."""
    return _questions(reply, view, "There was never a question.")


def _questions(reply: HostResponse, view: View, none: str, *left_out: str) -> Page:
    rows = reply.questions or ()
    if not rows:
        return (Remark(none),)
    columns = (
        Column("ID", right=True), Column("ASKER"), Column("TO"), Column("ASKED"), Column("DEADLINE"),
        Column("STATUS"), Column("QUESTION", long=True), Column("OPTIONS", long=True), Column("ANSWER", long=True),
        Column("BY"),
    )  # fmt: skip
    table = Table(columns, [_question(row, view) for row in rows])
    page = table.without(*left_out).without_empty("TO", "DEADLINE", "OPTIONS", "ANSWER", "BY")
    return (page, *([Line(f"{reply.more} more open, {NO_ROOM}", "yellow")] if reply.more else ()))


def requested(reply: HostResponse, _view: View) -> Page:
    """The approval that was asked for."""
    if reply.id is None:
        return (Line("An approval was asked for: hivectl pending shows it."),)
    return (Line(f"Approval {reply.id} waits: hivectl approve {reply.id} grants it."),)


def sentence_of_approval(row: Approval) -> str:
    """One approval in one line."""
    status = "decided" if row.status.value == "pending" and row.decided_at is not None else row.status.value
    note = f": {row.note}" if row.note else ""
    return f"approval {row.id}: {asked(row)}, {status}{', stale' if row.stale else ''}{note}"


def asked(row: Approval) -> str:
    """What is asked for, in words: `spawn alice`, `apply_commit alice c0ffeec0ffee`."""
    return " ".join(filter(None, (kind(row), row.agent, commit(row))))


def kind(row: Approval) -> str:
    """Its kind in words; the two that everybody knows by their names on the wire keep those."""
    return {"init_config": "new configuration"}.get(row.kind.value, row.kind.value)


def commit(row: Approval) -> str:
    """The first digits of the commit; nothing where there is none."""
    return (row.sha or row.commit_ref)[:12]


def stale(row: Approval) -> str:
    """The words about one whose agent runs another commit than when it was asked for."""
    return f"stale: {row.agent} runs another commit since; see hivectl diff {row.id}"


def sentence_of_question(row: Question, view: View) -> str:
    """One question in one line."""
    asked = f'question {row.id}: {row.asker} asks {row.to or "the operator"} "{view.brief(row.question)}"'
    if row.status.value == "open":
        return asked + (f" {options(row)}" if row.options else "")
    by = f" by {row.answered_by}" if row.answered_by else ""
    answer = f": {view.brief(row.answer)}" if row.answer is not None else ""
    return f"{asked}, {row.status.value}{by}{answer}"


def options(row: Question) -> str:
    """What may be chosen: `main | dev`, with `(several)` where more than one may be."""
    return " | ".join(row.options) + (" (several)" if row.multi and row.options else "")


def _waiting(row: Approval, view: View) -> tuple[str, ...]:
    return (
        str(row.id), kind(row), row.agent, commit(row), view.moment(row.requested_at), row.description or "",
    )  # fmt: skip


def _decided(row: Approval, view: View) -> tuple[str | Line, ...]:
    status = row.status.value
    if status == "pending" and row.decided_at is not None:
        status = "decided, under way"
    elif row.stale:
        status += ", stale"
    return (
        str(row.id), kind(row), row.agent, commit(row), view.moment(row.requested_at), styled(status),
        row.decided_by or "", "" if row.operation is None else str(row.operation), row.note or row.description or "",
    )  # fmt: skip


def _question(row: Question, view: View) -> tuple[str | Line, ...]:
    return (
        str(row.id), row.asker, row.to or "", view.moment(row.asked_at), view.moment(row.deadline_at),
        row.status.value, row.question, options(row), row.answer or "", row.answered_by or "",
    )  # fmt: skip
