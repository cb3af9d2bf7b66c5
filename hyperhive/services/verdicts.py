"""How approvals end, as part of a transaction: used by whoever decides, and by whoever did what was decided."""

from __future__ import annotations

from attrs import define, field

from hyperhive.services.feed import Feed, Kind
from hyperhive.store import approvals, mail, questions
from hyperhive.store.database import Connection
from hyperhive.wire import events
from hyperhive.wire.names import MANAGER
from hyperhive.wire.records import Approval, ApprovalStatus, OperationState, Outcome, QuestionStatus


@define
class Effects:
    """What a change did that somebody will want to hear of, once it is on disk."""

    told: list[tuple[int, str]] = field(factory=list)
    rows: list[tuple[Kind, int | str, str | None]] = field(factory=list)

    def announce(self, feed: Feed) -> None:
        """Publish the changed rows; the messages are the broker's to announce."""
        for kind, key, whose in self.rows:
            feed.publish(kind, key, whose)

    def tell_manager(self, connection: Connection, event: events.HelperEvent, now: int) -> None:
        """Put an event into the manager's inbox."""
        self.tell(connection, MANAGER, event, now)

    def tell(self, connection: Connection, name: str, event: events.HelperEvent, now: int) -> None:
        """Put an event into an inbox, if there is one of that name."""
        self.told.extend((id_, name) for id_ in mail.tell(connection, name, event, now))


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
    )
    effects.tell_manager(connection, event, now)
    effects.rows.append((Kind.APPROVAL, approval.id, None))


def resolve_with_operation(
    connection: Connection, effects: Effects, operation: int, state: OperationState, error: str | None, now: int
) -> None:
    """End the approvals whose action was that operation."""
    status = ApprovalStatus.APPROVED if state is OperationState.SUCCEEDED else ApprovalStatus.FAILED
    for approval in approvals.of_operation(connection, operation):
        resolve(connection, effects, approval, status, error, now)


def fail_approvals_of(connection: Connection, effects: Effects, agent: str, note: str, now: int) -> None:
    """What waits for a decision about that agent can no longer run."""
    for approval in approvals.undecided_of(connection, agent):
        resolve(connection, effects, approval, ApprovalStatus.FAILED, note, now)


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
    for thread in questions.open_of(connection, agent):
        close_question(connection, effects, thread.id, QuestionStatus.CANCELLED, "[cancelled]", by, now)
