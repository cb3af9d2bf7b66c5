"""What needs the operator: of each kind of row, which ones do, and in which order they come.

The console, notices and hivectl all go by these.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from hyperhive.wire.states import ApprovalStatus, MessageState, QuestionStatus

if TYPE_CHECKING:  # hivectl begins without
    from hyperhive.wire.records import AgentStatus, Approval, MessageRow, Question
    from hyperhive.wire.turns import HeldThread

BEGINNING: Final = 30
"""Seconds that an agent has to say that it takes mail, before mail that it has not taken needs somebody."""
SOON: Final = 600
"""A question that expires within so many seconds goes before the others."""
TROUBLE, BROKEN, DECISION, MAIL, MENDING = range(5)
"""The ranks of what needs somebody, the most urgent first. `MENDING` is what the hive is about to mend by itself."""


class Need(NamedTuple):
    """One thing that needs the operator: `kind` says what `row` is, `id` is its own among all."""

    kind: str
    id: str
    rank: int
    row: Any
    since: int = 0


class Waiting(NamedTuple):
    """All that may need the operator. `trouble` is what keeps the hive from working, or from knowing, as sentences."""

    now: int
    trouble: Sequence[str]
    agents: Sequence[AgentStatus]
    approvals: Sequence[Approval]
    questions: Sequence[Question]
    held: Sequence[HeldThread]
    dead: Sequence[MessageRow]

    def needs(self) -> list[Need]:
        """What needs the operator, the most urgent first and, of what is as urgent, the oldest."""
        return sorted(self._found(), key=lambda need: (need.rank, need.since))

    def _found(self) -> Iterator[Need]:
        for number, sentence in enumerate(self.trouble):
            yield Need("trouble", f"trouble-{number}", TROUBLE, sentence)
        for agent in self.agents:
            if agent.failed and agent.operation is None:
                yield Need("failed", f"failed-{agent.name}", BROKEN if is_down(agent) else MENDING, agent)
            if agent.needs_login:
                yield Need("login", f"login-{agent.name}", BROKEN, agent)
            if is_mute(agent, self.now):
                yield Need("mute", f"mute-{agent.name}", MAIL, agent, agent.since or 0)
        for approval in self.approvals:
            yield Need("approval", f"approval-{approval.id}", DECISION, approval, approval.requested_at)
        for question in self.questions:
            soon = question.deadline_at is not None and question.deadline_at - self.now <= SOON
            rank = BROKEN if soon else DECISION
            yield Need("question", f"question-{question.id}", rank, question, question.asked_at)
        for thread in self.held:
            yield Need("held", f"held-{thread.thread}", MAIL, thread, thread.since)
        for letter in self.dead:
            yield Need("dead", f"dead-{letter.id}", MAIL, letter, letter.at)


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


def is_mute(agent: AgentStatus, now: int) -> bool:
    """Whether mail waits in it, and nothing in it has said since its start that it takes any: it has no runner."""
    runs = agent.running and not agent.paused and agent.operation is None
    works = bool(agent.in_hand) or agent.turn is not None or agent.harness is not None or agent.needs_login
    began = agent.since is not None and now - agent.since < BEGINNING
    return runs and agent.unread > 0 and not works and not began
