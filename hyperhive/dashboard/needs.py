"""What needs the operator, gathered from the services and put in one order: by urgency, then by age."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

from attrs import frozen
from twisted.internet.defer import Deferred

from hyperhive.dashboard.happenings import last_words
from hyperhive.dashboard.services import Services
from hyperhive.errors import HiveError
from hyperhive.store.turn_views import UnderWay
from hyperhive.wire.needs import is_down, is_for_operator
from hyperhive.wire.records import AgentStatus, Approval, MessageRow, Operation, Question
from hyperhive.wire.turns import HeldThread

SOON: Final = 600
"""A question that expires within so many seconds goes before the others."""
TROUBLE, BROKEN, DECISION, MAIL, MENDING = range(5)
"""The ranks of what needs somebody, the most urgent first. `MENDING` is what the hive is about to mend by itself."""


@frozen(kw_only=True)
class Standing:
    """How the hive stands: what every part of Home is made from.

    `trouble` is what keeps the hive from working, or from knowing, as sentences; `last` the last message of all.
    """

    now: int
    trouble: Sequence[str]
    agents: Sequence[AgentStatus]
    approvals: Sequence[Approval]
    questions: Sequence[Question]
    dead: Sequence[MessageRow]
    held: Sequence[HeldThread]
    turns: Sequence[UnderWay]
    operations: Sequence[Operation]
    last: MessageRow | None


@frozen(kw_only=True)
class Need:
    """One thing that needs the operator: `kind` says what `row` is, `id` is its own on the page."""

    kind: str
    id: str
    rank: int
    since: int = 0
    row: Any


@frozen(kw_only=True)
class Work:
    """What an agent is at: its turn, or an operation on it. `last` is what was heard of the turn last, and when."""

    agent: str
    since: int
    turn: UnderWay | None = None
    operation: Operation | None = None
    last: tuple[str, int] | None = None


async def look(services: Services) -> Standing:
    """See how the hive stands now. What can't be seen is among its troubles."""
    broker = services.broker
    asked: tuple[Deferred[Any], ...] = (  # all in one batch of the database
        services.approvals.undecided(),
        services.questions.listed(closed=False),
        broker.dead_letters(),
        broker.held(),
        services.turns.under_way(),
        services.lifecycle.listed(ended=False),
        broker.messages(None, 1, None),
    )
    approvals, questions, dead, held, turns, operations, last = [await one for one in asked]
    trouble = [broker.trouble] if broker.trouble else []
    if services.roster.backend.blind:
        trouble.append(f"Nothing can be started or stopped, as {services.roster.backend.blind}")
    agents: Sequence[AgentStatus] = ()
    try:
        agents = await services.roster.statuses()
    except HiveError as error:
        trouble.append(f"Which agents run is not known: {error}")
    return Standing(
        now=broker.now(),
        trouble=trouble,
        agents=agents,
        approvals=approvals,
        questions=[question for question in questions if is_for_operator(question)],
        dead=dead,
        held=held,
        turns=turns,
        operations=operations,
        last=last[0] if last else None,
    )


def needs(standing: Standing) -> list[Need]:
    """What needs the operator, the most urgent first and, of what is as urgent, the oldest."""
    return sorted(_needs(standing), key=lambda need: (need.rank, need.since))


def _needs(standing: Standing) -> Iterator[Need]:
    for number, sentence in enumerate(standing.trouble):
        yield Need(kind="trouble", id=f"trouble-{number}", rank=TROUBLE, row=sentence)
    for agent in standing.agents:
        if agent.failed and agent.operation is None:
            rank = BROKEN if is_down(agent) else MENDING
            yield Need(kind="failed", id=f"failed-{agent.name}", rank=rank, row=agent)
        if agent.needs_login:
            yield Need(kind="login", id=f"login-{agent.name}", rank=BROKEN, row=agent)
    for approval in standing.approvals:
        since = approval.requested_at
        yield Need(kind="approval", id=f"approval-{approval.id}", rank=DECISION, since=since, row=approval)
    for question in standing.questions:
        soon = question.deadline_at is not None and question.deadline_at - standing.now <= SOON
        rank = BROKEN if soon else DECISION
        yield Need(kind="question", id=f"question-{question.id}", rank=rank, since=question.asked_at, row=question)
    for thread in standing.held:
        yield Need(kind="held", id=f"held-{thread.thread}", rank=MAIL, since=thread.since, row=thread)
    for letter in standing.dead:
        yield Need(kind="dead", id=f"dead-{letter.id}", rank=MAIL, since=letter.at, row=letter)


def works(standing: Standing) -> list[Work]:
    """Who is at what, the longest first."""
    found = [
        Work(agent=one.turn.agent, since=one.turn.started_at, turn=one, last=last_words(one.last))
        for one in standing.turns
    ]
    found += [
        Work(agent=one.agent, since=one.started_at or one.queued_at, operation=one) for one in standing.operations
    ]
    return sorted(found, key=lambda work: work.since)


def rest(standing: Standing) -> list[AgentStatus]:
    """The agents of which nothing is said otherwise: they need nobody, and are in no turn and no operation."""
    told = {work.agent for work in works(standing)}
    return [agent for agent in standing.agents if agent.name not in told and not (agent.failed or agent.needs_login)]


def why_quiet(standing: Standing) -> str:
    """Why nothing needs anybody: how many agents there are to need something."""
    running = [agent for agent in standing.agents if agent.running]
    paused = sum(agent.paused for agent in running)
    if not standing.agents:
        return "There is no agent yet; 'hivectl spawn NAME' makes one."
    if not running:
        stopped = "the only one is" if len(standing.agents) == 1 else f"all {len(standing.agents)} are"
        return f"No agent runs: {stopped} stopped."
    held_back = f", {paused} of them paused" if paused else ""
    of_all = "" if len(running) == len(standing.agents) else f" of {len(standing.agents)}"
    return f"{len(running)}{of_all} {'agent runs' if len(standing.agents) == 1 else 'agents run'}{held_back}."
