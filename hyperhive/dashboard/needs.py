"""How the hive stands, gathered from the services: what needs the operator, who is at what, and who is left."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from attrs import frozen
from twisted.internet.defer import Deferred

from hyperhive.dashboard.happenings import last_words
from hyperhive.dashboard.services import Services
from hyperhive.errors import HiveError
from hyperhive.store.turn_views import UnderWay
from hyperhive.wire.needs import Need, Waiting, is_for_operator, is_mute
from hyperhive.wire.records import AgentStatus, Approval, MessageRow, Operation, Question
from hyperhive.wire.turns import HeldThread


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
    return Waiting(
        now=standing.now,
        trouble=standing.trouble,
        agents=standing.agents,
        approvals=standing.approvals,
        questions=standing.questions,
        held=standing.held,
        dead=standing.dead,
    ).needs()


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
    return [
        agent
        for agent in standing.agents
        if agent.name not in told and not (agent.failed or agent.needs_login or is_mute(agent, standing.now))
    ]


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
