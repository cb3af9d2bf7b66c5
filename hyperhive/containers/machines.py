"""Agents in machines of systemd's: started and stopped as units, watched by their leaders, found again by record.

What kind of machine it is, and which unit holds it, a `Kind` knows: `nspawn` or `nixos`. Whether a machine runs is
asked of the kernel first, about the very process that machined named as its leader when it started: that is true
while the bus, machined or systemd itself are away. Their signals only say when to look.
"""

from __future__ import annotations

import signal
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import ClassVar

from attrs import define, field
from twisted.internet import defer
from twisted.internet.defer import Deferred, DeferredLock
from twisted.internet.interfaces import IReactorUNIX
from twisted.logger import Logger
from twisted.python.failure import Failure
from zope.interface import implementer

from hyperhive.agent_config import AgentConfig
from hyperhive.boundaries import Consumption, IContainers, Plan, Running
from hyperhive.containers import causes, proc, remains
from hyperhive.containers.causes import Causes
from hyperhive.containers.files import clear_away
from hyperhive.containers.journal import Journal
from hyperhive.containers.kind import Kind, machine_name
from hyperhive.containers.machine_watch import PATIENCE_SECONDS, KeptMachines, strangers
from hyperhive.containers.starting import GONE, STOP_SLACK_SECONDS, Starting
from hyperhive.containers.starts import Start, Starts
from hyperhive.containers.system_bus import SystemBus
from hyperhive.containers.visitors import Visits
from hyperhive.errors import ContainerError
from hyperhive.layout import Layout
from hyperhive.threads import in_thread


class IReactor(causes.IReactor, IReactorUNIX):
    """What of a reactor these backends need."""


@implementer(IContainers)
@define(eq=False)
class Machines:
    """A backend of machines. `grace` is how many seconds lie between a request to stop and SIGKILL."""

    _log: ClassVar[Logger] = Logger()

    reactor: IReactor
    layout: Layout
    bus: SystemBus
    _kind: Kind
    grace: float = 10.0

    _starts: Starts = field(init=False)
    _journal: Journal = field(init=False)
    _causes: Causes = field(init=False)
    _starting: Starting = field(init=False)
    _kept: KeptMachines = field(init=False)
    _unended: dict[str, Start] = field(init=False, factory=dict)
    _recovering: DeferredLock = field(init=False, factory=DeferredLock)
    _recovered: bool = field(init=False, default=False)
    _opened: bool = field(init=False, default=False)
    _closed: bool = field(init=False, default=False)

    def __attrs_post_init__(self) -> None:
        self._starts = Starts(self.layout.runtimes)
        self._journal = Journal(self.reactor)
        self._causes = Causes(self.reactor, self._journal)
        self._starting = Starting(self.reactor, self._starts, self.bus, self._journal, self._kind, self.grace)
        self._kept = KeptMachines(self.reactor)

    @property
    def kind(self) -> str:
        """`nspawn` or `nixos`."""
        return self._kind.kind

    @property
    def isolates(self) -> bool:
        """Whether an agent is kept from the host and from other agents."""
        return self._kind.isolates

    @property
    def blind(self) -> str | None:
        """Why systemd can't be asked for anything now."""
        return self.bus.blind if self._opened else None

    @property
    def longest_name(self) -> int:
        """How many characters an agent's name may have."""
        return self._kind.longest_name

    def owns(self, name: str, uid: int) -> bool:
        """Whether that user of the host lives in the agent's machine."""
        start = self._starts.known.get(name)  # which is there before the machine is
        return start is not None and self._kind.owns(start, uid)

    def watch(self, hint: Callable[[], None]) -> None:
        """Begin to observe; call `hint` whenever some agent may have ended. The truth is `running()`."""
        self._kept.hint = hint
        self._open()

    def close(self) -> Deferred[None]:
        """Stop observing; touches no agent."""
        self._closed = True
        self._kept.close()
        return self.bus.close() if self._opened else defer.succeed(None)

    async def running(self) -> Mapping[str, Running]:
        """Every agent whose machine's leader is alive, and those whose machines somebody else has started.

        Raises ContainerError while it can't be known what became of a start in whose middle a daemon was killed.
        """
        await self._recover()
        running = self._kept.running()
        if self.bus.blind is None and any(name not in running for name in self._starts.known):
            running |= await strangers(self.reactor, self.bus, self._starts, running)
        return running

    async def consumption(self) -> Mapping[str, Consumption]:
        """What systemd counts of the units of the machines that are up."""
        return {name: await self.bus.consumption(self._kind.unit(name)) for name in self._kept.running()}

    async def start(self, name: str, generation: int, plan: Plan) -> None:
        """Start the agent's machine; returns when it is up, and does nothing if this very generation runs already.

        Whatever else runs as that machine is ended first. Raises ContainerError if it can't be started.
        """
        await self._recover()
        await self.bus.reached(PATIENCE_SECONDS)
        alive = self._kept.alive(name)
        if alive is not None and alive.generation == generation:
            return
        objection = self.objection(plan.config)
        if objection is not None:
            raise ContainerError(f"{name} could not be started: {objection}")
        start = await self._starting.resumed(name, generation) or await self._starting.begun(name, generation, plan)
        try:
            self._kept.keep(name, start if start.up or start.over else await self._starting.came_up(name, start, plan))
        except ContainerError as error:
            await self._give_up(name, start)
            raise ContainerError(f"{name} could not be started: {error}") from error

    async def stop(self, name: str, *, graceful: bool = True) -> None:
        """End the agent's machine: SIGTERM to its program, and SIGKILL after `grace` seconds; returns when it is gone.

        Raises ContainerError.
        """
        await self._recover()
        await self.bus.reached(PATIENCE_SECONDS)
        unit = self._kind.unit(name)
        if (await self.bus.unit(unit)).active not in GONE:
            if not graceful:
                with suppress(ContainerError):  # it may end by itself at this moment
                    await self.bus.kill_unit(unit, "all", signal.SIGKILL)
            await self.bus.stop_unit(unit, self.grace + STOP_SLACK_SECONDS)
        await self.bus.reset_failed(unit)
        self._kept.let_go(name)

    async def remove(self, name: str) -> None:
        """Take away the agent's records and its machine's files; its lines in the journal are not shown any more."""
        if (await self.bus.unit(self._kind.unit(name))).active not in GONE:
            raise ContainerError(f"{name} runs; stop it first")
        await self.bus.reset_failed(self._kind.unit(name))
        await self._kind.remove(name)
        await remains.clear(self.reactor, machine_name(name))
        await in_thread(self.reactor, clear_away, self.layout.runtime(name))
        self._starts.forget(name)

    async def cause(self, name: str, generation: int) -> str | None:
        """How that start of the agent ended, by systemd's journal; None if it can't be known."""
        start = self._starts.known.get(name)
        if start is None or start.generation != generation:
            return None
        return await self._causes.of(start, self._kind.unit(name))

    async def log(self, name: str, lines: int) -> list[str]:
        """The last lines of the agent's output over all its starts, from the journal, oldest first."""
        start = self._starts.known.get(name)
        return [] if start is None else await self._journal.lines(self._kind.unit(name), lines, start.first)

    def objection(self, config: AgentConfig) -> str | None:
        """What of a configuration such a machine can't have, as a sentence; None if nothing."""
        return self._kind.objection(config)

    async def fault(self, files: Mapping[str, bytes]) -> str | None:
        """What of a commit's files can't be read, as a sentence; None if nothing. Raises ContainerError."""
        return await self._kind.fault(files)

    async def prepare(self, name: str, plan: Plan) -> None:
        """See that nothing is missing for a start, and do what takes long. Raises ContainerError."""
        await self._recover()
        await self.bus.reached(PATIENCE_SECONDS)
        await self._kind.prepare(name, plan)

    async def origin(self, plan: Plan) -> str:
        """What a machine by that plan would be made from now. Raises ContainerError."""
        return await self._kind.origin(plan)

    async def writer(self) -> tuple[int, int]:
        """Whose files the manager's are, as user and group on the host's disk. Raises ContainerError."""
        return await self._kind.writer()

    async def check(self, name: str, command: Sequence[str]) -> None:
        """Run the command in the agent's machine, as its user. Raises ContainerError, saying why it did not succeed."""
        await self._recover()
        await self.bus.reached(PATIENCE_SECONDS)
        alive = self._kept.alive(name)
        if alive is None:
            raise ContainerError(f"{name} does not run, and can't be checked")
        visits = Visits(self.reactor, self.bus, self._journal)
        await visits.visit(machine_name(name), self.layout.runtime(name), alive, command)

    async def _give_up(self, name: str, start: Start) -> None:
        """Leave nothing running of a start that failed; where that can't be done now, it is when the bus is back."""
        try:
            await self.stop(name, graceful=False)
            await self._starting.is_over(name, start)
        except ContainerError as error:
            self._log.error("what was started of {name} can't be ended yet: {error}", name=name, error=error)
            self._unended[name] = start

    def _open(self) -> None:
        if not self._opened and not self._closed:
            self._opened = True
            self.bus.open(self._heard)

    def _heard(self) -> None:
        if self.bus.blind is None:
            unended, self._unended = self._unended, {}
            for name, start in unended.items():
                if self._starts.known.get(name) is start:  # or a later start has cleared that one away
                    Deferred.fromCoroutine(self._give_up(name, start)).addErrback(self._complain)
        self._kept.hint()

    def _complain(self, why: Failure) -> None:
        self._log.failure("what was left of a start could not be ended", failure=why)

    async def _recover(self) -> None:
        """Find the agents that run already, once; the bus is given a moment to be there."""
        async with self._recovering:
            if self._closed:
                raise ContainerError("the daemon is ending, and does nothing to agents any more")
            if self._recovered:
                return
            self._open()
            for name, start in self._starts.known.items():
                if start.up and start.boot == proc.boot() and name not in self._kept:
                    self._kept.keep(name, start)
            in_doubt = [(name, start) for name, start in self._starts.known.items() if start.in_doubt]
            await self.bus.reached(PATIENCE_SECONDS)
            for name, start in in_doubt:
                seen = await self._starting.recognised(name, start)
                if seen is not None:
                    self._kept.keep(name, seen)
            self._recovered = True
