"""The crash watch: whoever should run and does not has crashed, and the manager is told at once, once."""

from __future__ import annotations

from functools import partial

from attrs import define, field
from twisted.application.service import Service
from twisted.internet.defer import Deferred
from twisted.internet.task import LoopingCall
from twisted.logger import Logger
from twisted.python.failure import Failure

from hyperhive.boundaries import IContainers
from hyperhive.errors import HiveError
from hyperhive.services.broker import Broker
from hyperhive.services.effects import Effects
from hyperhive.services.feed import Kind
from hyperhive.services.turns import GiveBack, GivenBack, Turns
from hyperhive.store import agents
from hyperhive.store.agents import Agent
from hyperhive.store.database import Connection
from hyperhive.wire import events

_log = Logger()

UNKNOWN_CAUSE = "how it ended can't be known: its exit status was lost"


@define(eq=False)
class CrashWatch(Service):
    """Compares what should run with what runs: on every hint of the backend, after every operation, and by poll.

    A hint only says when to look. A named service of the hive.
    """

    name = "crash_watch"

    _broker: Broker
    _turns: Turns
    _containers: IContainers
    _interval: float
    _looking: Deferred[None] | None = field(default=None, init=False)
    _again: bool = field(default=False, init=False)
    _poll: LoopingCall = field(init=False)

    def __attrs_post_init__(self) -> None:
        self._poll = LoopingCall(self.look)
        self._poll.clock = self._broker.clock

    def startService(self) -> None:
        """Begin to watch."""
        super().startService()
        self._containers.watch(self.look)
        self._poll.start(self._interval, now=True).addErrback(
            lambda reason: _log.failure("the crash watch no longer polls; it looks when it is told to", failure=reason)
        )

    async def stopService(self) -> None:
        """Watch no longer; the agents are left alone."""
        super().stopService()
        if self._poll.running:
            self._poll.stop()
        if self._looking is not None:
            await self._looking

    def look(self) -> None:
        """Look soon, and once more if something happens meanwhile."""
        if self._looking is not None:
            self._again = True
        elif self.running:
            looking: Deferred[None] = Deferred()
            self._looking = looking
            Deferred.fromCoroutine(self._look()).addErrback(_complain).addCallback(lambda _: self._looked(looking))

    def _looked(self, looking: Deferred[None]) -> None:
        self._looking = None
        again, self._again = self._again, False
        if again:
            self.look()
        looking.callback(None)

    async def _look(self) -> None:
        # What should run is read first: an agent that was started since is then not missed in the older listing.
        should = await self._broker.database.perform(agents.should_run)
        running = await self._containers.running()
        for agent in should:
            runs = running.get(agent.name)
            if runs is None or runs.generation != agent.generation:
                # One that can't be reported now is found again at the next look, and hides no other.
                await Deferred.fromCoroutine(self._report(agent)).addErrback(_complain)

    async def _report(self, agent: Agent) -> None:
        note = await self._containers.cause(agent.name, agent.generation) or UNKNOWN_CAUSE
        give_back = self._turns.stopping(agent.name, crashed=True)
        change = partial(_crashed, agent=agent, note=note, give_back=give_back, now=self._broker.now())
        result = await self._broker.database.perform(change)
        if result is None:
            return
        effects, given_back = result
        _log.warn("{name} crashed: {note}", name=agent.name, note=note)
        self._turns.given_back(agent.name, given_back)
        self._broker.announce(effects)


def _crashed(
    connection: Connection, agent: Agent, note: str, give_back: GiveBack, now: int
) -> tuple[Effects, GivenBack] | None:
    if not agents.crashed(connection, agent.name, agent.generation):
        return None
    effects = Effects(rows=[(Kind.AGENT, agent.name, agent.name)])
    effects.tell_manager(connection, events.ContainerCrash(agent=agent.name, note=note), now)
    return effects, give_back(connection)


def _complain(reason: Failure) -> None:
    if reason.check(HiveError):
        _log.error("the crash watch could not look: {error}", error=reason.value)
    else:
        _log.failure("the crash watch could not look", failure=reason)
