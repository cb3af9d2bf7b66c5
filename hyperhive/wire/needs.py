"""What needs the operator: of each kind of row, which ones do. The console, notices and hivectl all go by these."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hyperhive.wire.states import ApprovalStatus, MessageState, QuestionStatus

if TYPE_CHECKING:  # hivectl begins without
    from hyperhive.wire.records import AgentStatus, Approval, MessageRow, Question


def is_undecided(approval: Approval) -> bool:
    """Whether it waits for a yes or no. One whose yes is being carried out is `pending` too, and doesn't."""
    return approval.status is ApprovalStatus.PENDING and approval.decided_at is None


def is_for_operator(question: Question) -> bool:
    """Whether it waits for the operator's answer; others are for an agent, or closed."""
    return question.to is None and question.status is QuestionStatus.OPEN


def is_dead(message: MessageRow) -> bool:
    """Whether it was given up, so that it moves only if the operator queues it again."""
    return message.state is MessageState.DEAD


def is_down(agent: AgentStatus) -> bool:
    """Whether it failed, and stays down unless somebody starts it; one that is being started is not."""
    return agent.failed and agent.restart_at is None and agent.operation is None
