"""Crashes: who should run and does not, and telling that once."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from attrs import define, field
from twisted.internet.defer import DeferredList, DeferredSemaphore
from twisted.logger import Logger
from twisted.python.failure import Failure

from hyperhive.boundaries import IContainers
from hyperhive.errors import HiveError
from hyperhive.limits import RestartPolicy
from hyperhive.services.broker import Broker
from hyperhive.services.effects import Effects
from hyperhive.services.feed import Kind
from hyperhive.services.leases import GiveBack, GivenBack, Leases
from hyperhive.services.restart_policy import log_given_up, went_down
from hyperhive.store import agents
from hyperhive.store.agents import Agent
from hyperhive.store.database import Connection

_log = Logger()

AT_ONCE = 8
"""How many crashes are looked into at a time; for each, what the journal says of it is waited for."""
UNKNOWN_CAUSE = "how it ended can't be known: its exit status was lost"


@define(eq=False)
class Crashes:
    """Compares what should run with what runs; the table sees to it that a crash is told once."""

    _broker: Broker
    _leases: Leases
    _containers: IContainers
    _policy: RestartPolicy
    _hints: list[Callable[[], None]] = field(factory=list, init=False)

    def after_each(self, hint: Callable[[], None]) -> None:
        """Have `hint` called whenever a crash was reported."""
        self._hints.append(hint)

    async def look(self, only: str | None = None) -> None:
        """Report every agent that should run and does not, or the one of that name."""
        # What should run is read first: an agent that was started since is then not missed in the older listing.
        should = await self._broker.database.perform(agents.should_run)
        running = await self._containers.running()
        places = DeferredSemaphore(AT_ONCE)
        reports = []
        for agent in should:
            runs = running.get(agent.name)
            if only in (None, agent.name) and (runs is None or runs.generation != agent.generation):
                # One that can't be reported now is found again at the next look, and hides no other.
                reports.append(places.run(self._report, agent).addErrback(complain))
        await DeferredList(reports)

    async def _report(self, agent: Agent) -> None:
        note = await self._containers.cause(agent.name, agent.generation) or UNKNOWN_CAUSE
        give_back = self._leases.stopping(agent.name, crashed=True)
        now = self._broker.clock.seconds()
        change = partial(_crashed, agent=agent, note=note, give_back=give_back, policy=self._policy, now=now)
        result = await self._broker.database.perform(change)
        if result is None:
            return
        effects, given_back = result
        _log.warn("{name} crashed: {note}", name=agent.name, note=note)
        self._leases.given_back(agent.name, given_back)
        self._broker.announce(effects)
        log_given_up(effects)
        for hint in self._hints:
            hint()


def _crashed(
    connection: Connection, agent: Agent, note: str, give_back: GiveBack, policy: RestartPolicy, now: float
) -> tuple[Effects, GivenBack] | None:
    if not agents.crashed(connection, agent.name, agent.generation, note):
        return None
    effects = Effects(rows=[(Kind.AGENT, agent.name, agent.name)])
    went_down(connection, effects, policy, agent.name, note, now)
    return effects, give_back(connection)


def complain(reason: Failure) -> None:
    """Log why crashes could not be looked for."""
    if reason.check(HiveError):
        _log.error("could not look for crashes: {error}", error=reason.value)
    else:
        _log.failure("could not look for crashes", failure=reason)
