"""How approvals and questions end, as part of a transaction: the row, the message to who waits for it, the news."""

from __future__ import annotations

from hyperhive.services.effects import Effects
from hyperhive.services.feed import Kind
from hyperhive.store import approvals, questions
from hyperhive.store.database import Connection
from hyperhive.wire import events
from hyperhive.wire.records import Approval
from hyperhive.wire.states import ApprovalKind, ApprovalStatus, OperationState, Outcome, QuestionStatus


def resolve(
    connection: Connection, effects: Effects, approval: Approval, status: ApprovalStatus, note: str | None, now: int
) -> None:
    """End an approval and tell the manager. A cancelled one is told as denied, which the seed's readers know."""
    approvals.resolve(connection, approval.id, status, note, now)
    cancelled = status is ApprovalStatus.CANCELLED
    event = events.ApprovalResolved(
        id=approval.id,
        agent=approval.agent,
        commit_ref=approval.commit_ref,
        status=ApprovalStatus.DENIED if cancelled else status,
        note=note,
        outcome=Outcome.CANCELLED if cancelled else None,
        sha=approval.sha,
    )
    effects.tell_manager(connection, event, now)
    effects.rows.append((Kind.APPROVAL, approval.id, None))


def resolve_with_operation(
    connection: Connection, effects: Effects, operation: int, state: OperationState, error: str | None, now: int
) -> None:
    """End the approvals whose action was that operation."""
    status = ApprovalStatus.APPROVED if state is OperationState.SUCCEEDED else ApprovalStatus.FAILED
    for approval in approvals.of_operation(connection, operation):
        note = "\n\n".join(filter(None, (error, approval.note)))  # what was said with the yes is kept
        resolve(connection, effects, approval, status, note or None, now)


def fail_approvals_of(connection: Connection, effects: Effects, agent: str, note: str, now: int) -> None:
    """What waits for a decision about that agent can no longer run."""
    for approval in approvals.undecided_of(connection, agent):
        resolve(connection, effects, approval, ApprovalStatus.FAILED, note, now)


def withdraw_updates_of(connection: Connection, effects: Effects, agent: str, now: int) -> None:
    """The agent was just made anew: whether to do that needs no decision any more."""
    for approval in approvals.undecided_of(connection, agent):
        if approval.kind is ApprovalKind.UPDATE:
            resolve(connection, effects, approval, ApprovalStatus.CANCELLED, "it was rebuilt meanwhile", now)


def close_question(
    connection: Connection, effects: Effects, id_: int, status: QuestionStatus, answer: str, by: str, now: int
) -> None:
    """End an open question and tell who asked. Raises Refused if somebody was first."""
    question = questions.close(connection, id_, status, answer, by, now)
    outcome = Outcome(status.value)
    event: events.HelperEvent
    if question.to is None:
        event = events.OperatorAnswered(
            id=id_, question=question.question, answer=answer, outcome=outcome, answered_by=by
        )
    else:
        event = events.QuestionAnswered(id=id_, question=question.question, answer=answer, answerer=by, outcome=outcome)
    effects.tell(connection, question.asker, event, now)
    effects.rows.append((Kind.QUESTION, id_, None))


def cancel_questions_of(connection: Connection, effects: Effects, agent: str, by: str, now: int) -> None:
    """Nobody can answer that agent, or be answered by it, any more."""
    for id_ in questions.open_ids_of(connection, agent):
        close_question(connection, effects, id_, QuestionStatus.CANCELLED, "[cancelled]", by, now)
