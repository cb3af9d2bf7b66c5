"""The roster: who is in the hive and how each of them stands."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import partial

from attrs import define, frozen
from twisted.internet.defer import Deferred

from hyperhive.boundaries import IContainers, Running
from hyperhive.errors import UnknownAgent
from hyperhive.limits import log_lines
from hyperhive.services.broker import Broker
from hyperhive.services.feed import Kind
from hyperhive.store import agents, approvals, configs, harnesses, mail_views, operations, questions, reminders, turns
from hyperhive.store.agents import Agent
from hyperhive.store.configs import Deployed
from hyperhive.store.database import Connection
from hyperhive.wire.names import OPERATOR
from hyperhive.wire.records import AgentStatus, Backend, OpenThread
from hyperhive.wire.states import HarnessState
from hyperhive.wire.turns import Harness


@define(eq=False)
class Roster:
    """Shows agents, and keeps what they and the operator say about them."""

    _broker: Broker
    _containers: IContainers

    def names(self) -> Deferred[tuple[str, ...]]:
        """Every agent of the hive, running or not."""
        return self._broker.database.perform(lambda connection: tuple(agents.names(connection)))

    async def must_know(self, names: Sequence[str]) -> None:
        """Fails with UnknownAgent if one of the names is nobody's."""
        known = await self.names()
        strangers = [name for name in names if name not in known]
        if strangers:
            raise UnknownAgent(agents.unknown(strangers[0]))

    async def statuses(self) -> tuple[AgentStatus, ...]:
        """How every agent stands; what runs is asked of the backend, now."""
        facts = await self._broker.database.perform(_facts)
        running = await self._containers.running()
        return tuple(_status(agent, running.get(agent.name), facts) for agent in facts.agents)

    async def kept(self) -> tuple[Kept, ...]:
        """Of whom something is kept who is not in the hive: destroyed, or prepared and never spawned; by name."""
        rows, under_way = await self._broker.database.perform(
            lambda connection: (configs.kept(connection), operations.under_way(connection))
        )
        return tuple(Kept(name=name, destroyed_at=at, operation=under_way.get(name)) for name, at in rows)

    @property
    def backend(self) -> Backend:
        """What the agents run in."""
        return Backend(kind=self._containers.kind, isolates=self._containers.isolates, blind=self._containers.blind)

    async def log(self, name: str, lines: int) -> tuple[str, ...]:
        """The last lines of the agent's output. Fails with UnknownAgent."""
        await self._broker.database.perform(partial(agents.one, name=name))
        return tuple(await self._containers.log(name, log_lines(lines)))

    async def set_paused(self, name: str, *, paused: bool) -> None:
        """Hold the agent's mail back, so that it starts nothing new, or let it go on. Fails with UnknownAgent."""
        await self._broker.database.perform(partial(agents.set_paused, name=name, paused=paused))
        self._broker.inboxes.arriving(name)
        self._broker.feed.publish(Kind.AGENT, name, name)

    async def set_status_text(self, name: str, text: str) -> None:
        """What the agent says it does."""
        now = self._broker.now()
        await self._broker.database.perform(partial(agents.set_status_text, name=name, text=text, now=now))
        self._broker.feed.publish(Kind.AGENT, name, name)

    def generation(self, name: str) -> Deferred[int]:
        """The number of the agent's last start."""
        return self._broker.database.perform(partial(agents.generation, name=name))

    def open_threads(self, name: str) -> Deferred[tuple[OpenThread, ...]]:
        """What the agent owes, and what it is owed."""
        return self._broker.database.perform(partial(_open_threads, name=name))


@frozen(kw_only=True)
class Kept:
    """What is kept of somebody who is not in the hive; `operation` is under way there."""

    name: str
    destroyed_at: int | None
    operation: int | None


@frozen(kw_only=True)
class _Facts:
    """What the tables say of every agent, beside its own row by its name."""

    agents: Sequence[Agent]
    under_way: Mapping[str, int]
    in_hand: Mapping[str, int]
    configs: Mapping[str, Deployed]
    turns: Mapping[str, int]
    harnesses: Mapping[str, tuple[int, Harness]]


def _facts(connection: Connection) -> _Facts:
    return _Facts(
        agents=agents.every(connection),
        under_way=operations.under_way(connection),
        in_hand=mail_views.counts_in_hand(connection),
        configs=configs.every(connection),
        turns=turns.under_way(connection),
        harnesses=harnesses.every(connection),
    )


def _status(agent: Agent, runs: Running | None, facts: _Facts) -> AgentStatus:
    failed = agent.failed and runs is None
    config = facts.configs.get(agent.name)
    start, harness = facts.harnesses.get(agent.name, (None, None))
    if runs is None or runs.generation != start:
        harness = None  # that was another start of the agent
    return AgentStatus(
        name=agent.name,
        running=runs is not None,
        failed=failed,
        failure=agent.failure if failed else None,
        in_hand=facts.in_hand.get(agent.name),
        paused=agent.paused,
        status_text=agent.status_text,
        status_set_at=agent.status_set_at,
        operation=facts.under_way.get(agent.name),
        needs_update=config is not None and config.stale and runs is not None,
        needs_login=harness is not None and harness.state is HarnessState.NEEDS_LOGIN,
        active_model=None if harness is None else harness.model,
        deployed_sha=None if config is None else config.commit,
        unread=agent.queued,
        restarts=agent.restarts,
        since=None if runs is None else runs.since,
        generation=agent.generation,
        restart_at=None if agent.restart_at is None or not failed else math.ceil(agent.restart_at),
        turn=facts.turns.get(agent.name),
        harness=harness,
    )


def _open_threads(connection: Connection, name: str) -> tuple[OpenThread, ...]:
    waiting = [
        OpenThread(
            direction="owed",
            kind="approval",
            id=approval.id,
            peer=OPERATOR,
            text=f"{approval.kind.value} {approval.agent}",
            since=approval.requested_at,
        )
        for approval in approvals.waiting_for(connection, name)
    ]
    return (
        *questions.open_of(connection, name),
        *mail_views.in_hand(connection, name),
        *reminders.open_of(connection, name),
        *waiting,
    )
