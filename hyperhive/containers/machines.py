"""Agents in machines of systemd's: started and stopped as units, watched by their leaders, found again by record.

What kind of machine it is, and which unit holds it, a `Kind` knows: `nspawn` or `nixos`. Whether a machine runs is
asked of the kernel first, about the very process that machined named as its leader when it started: that is true
while the bus, machined or systemd itself are away. Their signals only say when to look.
"""

from __future__ import annotations

import shutil
import signal
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import ClassVar

from attrs import define, field
from twisted.internet import defer
from twisted.internet.defer import Deferred, DeferredLock
from twisted.internet.interfaces import IReactorUNIX
from twisted.logger import Logger
from zope.interface import implementer

from hyperhive.boundaries import IContainers, Running
from hyperhive.containers import commands, pidfd, proc
from hyperhive.containers import leader as leaders
from hyperhive.containers.journal import Journal
from hyperhive.containers.kind import Kind, machine_name
from hyperhive.containers.leader import Leader
from hyperhive.containers.pidfd import Watched
from hyperhive.containers.starting import GONE, STOP_SLACK_SECONDS, Starting
from hyperhive.containers.starts import Start, read_start, recorded
from hyperhive.containers.system_bus import SystemBus
from hyperhive.errors import ContainerError
from hyperhive.layout import Layout

PATIENCE_SECONDS = 3.0
SUPERVISOR_SECONDS = 1.0


class IReactor(commands.IReactor, leaders.IReactor, IReactorUNIX):
    """What of a reactor these backends need."""


@define(eq=False)
class _Kept:
    """An agent whose machine is up as far as we know."""

    start: Start
    leader: Leader


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

    _journal: Journal = field(init=False)
    _starting: Starting = field(init=False)
    _kept: dict[str, _Kept] = field(init=False, factory=dict)
    _recovering: DeferredLock = field(init=False, factory=DeferredLock)
    _recovered: bool = field(init=False, default=False)
    _opened: bool = field(init=False, default=False)
    _closed: bool = field(init=False, default=False)
    _hint: Callable[[], None] = field(init=False, default=lambda: None)
    _news: Deferred[None] = field(init=False, factory=Deferred)

    def __attrs_post_init__(self) -> None:
        self._journal = Journal(self.reactor)
        self._starting = Starting(self.reactor, self.layout, self.bus, self._journal, self._kind, self.grace)

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
        start = read_start(self.layout.runtime(name))  # which stands there before the machine does
        return start is not None and self._kind.owns(start, uid)

    def watch(self, hint: Callable[[], None]) -> None:
        """Begin to observe; call `hint` whenever some agent may have ended. The truth is `running()`."""
        self._hint = hint
        self._open()

    def close(self) -> Deferred[None]:
        """Stop observing; touches no agent."""
        self._closed = True
        self._hint = lambda: None
        kept, self._kept = self._kept, {}
        for one in kept.values():
            one.leader.close()
        return self.bus.close() if self._opened else defer.succeed(None)

    async def running(self) -> Mapping[str, Running]:
        """Every agent whose machine's leader is alive, and those whose machines somebody else has started."""
        await self._recover()
        running = {
            name: Running(generation=kept.start.generation, since=kept.start.since, pid=kept.start.leader)
            for name, kept in self._kept.items()
            if kept.leader.alive()
        }
        if self.bus.blind is None and any(name not in running for name in recorded(self.layout.runtimes)):
            running |= await self._strangers(running)
        return running

    async def start(self, name: str, generation: int) -> None:
        """Start the agent's machine; returns when it is up, and does nothing if this very generation runs already.

        Raises ContainerError if it can't be started, or another generation of it runs.
        """
        await self._recover()
        await self._patience()
        kept = self._kept.get(name)
        if kept is not None and kept.leader.alive():
            if kept.start.generation == generation:
                return
            raise ContainerError(f"{name} runs already, as start {kept.start.generation}; stop it first")
        start = await self._starting.resumed(name, generation) or await self._starting.begun(name, generation)
        try:
            if not start.up:
                start = await self._starting.came_up(name, start)
            self._keep(name, start)
            await self._connected(name, start)
        except ContainerError as error:
            await self._give_up(name)
            raise ContainerError(f"{name} could not be started: {error}") from error

    async def stop(self, name: str, *, graceful: bool = True) -> None:
        """End the agent's machine: SIGTERM to its program, and SIGKILL after `grace` seconds; returns when it is gone.

        Raises ContainerError.
        """
        await self._recover()
        await self._patience()
        unit = self._kind.unit(name)
        if (await self.bus.unit(unit)).active not in GONE:
            if not graceful:
                with suppress(ContainerError):  # it may end by itself at this moment
                    await self.bus.kill_unit(unit, "all", signal.SIGKILL)
            await self.bus.stop_unit(unit, self.grace + STOP_SLACK_SECONDS)
        await self.bus.reset_failed(unit)
        kept = self._kept.pop(name, None)
        if kept is not None:
            kept.leader.close()

    async def remove(self, name: str) -> None:
        """Take away the agent's records and its machine's files; its lines in the journal are not shown any more."""
        if (await self.bus.unit(self._kind.unit(name))).active not in GONE:
            raise ContainerError(f"{name} runs; stop it first")
        await self.bus.reset_failed(self._kind.unit(name))
        await self._kind.remove(name)
        shutil.rmtree(self.layout.runtime(name), ignore_errors=True)

    async def cause(self, name: str, generation: int) -> str | None:
        """How that start of the agent ended, by systemd's journal; None if it can't be known."""
        start = read_start(self.layout.runtime(name))
        if start is None or start.generation != generation:
            return None
        if start.boot != proc.boot():
            return "the host was restarted"
        invocation = start.invocation or await self._journal.last_invocation(self._kind.unit(name))
        if invocation in {"", start.before}:
            return None
        await self._supervisor_ended(start)
        return await self._journal.cause(invocation, start.supervisor, start.since)

    async def log(self, name: str, lines: int) -> list[str]:
        """The last lines of the agent's output over all its starts, from the journal, oldest first."""
        start = read_start(self.layout.runtime(name))
        return [] if start is None else await self._journal.lines(self._kind.unit(name), lines, start.first)

    async def _supervisor_ended(self, start: Start) -> None:
        """Wait a moment for the end of systemd-nspawn, which says how its machine ended, and cleans up after it."""
        ended: Deferred[None] = Deferred()
        descriptor = pidfd.open_process(start.supervisor, start.supervisor_started) if start.up else None
        if descriptor is not None:
            watched = Watched(self.reactor, descriptor, lambda: ended.callback(None))
            with suppress(defer.TimeoutError):
                await ended.addTimeout(SUPERVISOR_SECONDS, self.reactor)
            watched.close()

    async def _connected(self, name: str, start: Start) -> None:
        try:
            await self._kind.connect(name, start)
        except ContainerError:
            kept = self._kept.get(name)
            if kept is not None and kept.leader.alive():
                raise  # one that has died meanwhile was started, and then crashed

    async def _give_up(self, name: str) -> None:
        """Leave nothing running of a start that failed."""
        with suppress(ContainerError):
            await self.stop(name, graceful=False)

    async def _strangers(self, known: Mapping[str, Running]) -> dict[str, Running]:
        """Machines of our agents that nobody here has started: of start 0."""
        found = {}
        machines = await self.bus.machines()
        for name, start in recorded(self.layout.runtimes).items():
            machine = machines.get(machine_name(name))
            if machine is not None and name not in known and machine.leader != start.leader:
                found[name] = Running(generation=0, since=int(self.reactor.seconds()), pid=machine.leader)
        return found

    def _open(self) -> None:
        if not self._opened and not self._closed:
            self._opened = True
            self.bus.open(self._heard)

    def _heard(self) -> None:
        news, self._news = self._news, Deferred()
        news.callback(None)
        self._hint()

    async def _recover(self) -> None:
        """Find the agents that run already, once; the bus is given a moment to be there."""
        async with self._recovering:
            if self._closed:
                raise ContainerError("the daemon is ending, and does nothing to agents any more")
            if self._recovered:
                return
            self._open()
            await self._patience()
            for name, start in recorded(self.layout.runtimes).items():
                await self._find_again(name, start)
            self._recovered = True

    async def _patience(self) -> None:
        """Give the bus, and systemd on it, a moment to be there: both go for that long when they are restarted."""
        until = self.reactor.seconds() + PATIENCE_SECONDS
        with suppress(defer.TimeoutError):
            while self.bus.blind is not None and not self._closed:
                waiting: Deferred[None] = Deferred()
                self._news.chainDeferred(waiting)
                await waiting.addTimeout(until - self.reactor.seconds(), self.reactor)

    async def _find_again(self, name: str, start: Start) -> None:
        if start.boot != proc.boot():
            return
        with suppress(ContainerError):
            # Of one that an earlier daemon had only begun to start, the bus alone can tell what became of it.
            up = start if start.up else await self._starting.seen_up(name, start)
            if up is not None:
                self._keep(name, up)

    def _keep(self, name: str, start: Start) -> None:
        """Watch the machine's leader; one that has died already is found by the next look."""
        former = self._kept.pop(name, None)
        if former is not None:
            former.leader.close()
        leader = None
        if start.up:
            leader = Leader.hold(self.reactor, start.leader, start.leader_started, lambda: self._leader_ended(name))
        if leader is not None:
            self._kept[name] = _Kept(start, leader)

    def _leader_ended(self, name: str) -> None:
        del self._kept[name]
        self._hint()
