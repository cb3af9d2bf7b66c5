"""How an agent's machine comes up: recorded, started by systemd, recognised by the daemon that comes after."""

from __future__ import annotations

from typing import ClassVar

from attrs import define, evolve
from twisted.internet.task import deferLater
from twisted.logger import Logger

from hyperhive.boundaries import Plan
from hyperhive.containers import proc, remains, slots
from hyperhive.containers.commands import IReactor
from hyperhive.containers.journal import Journal
from hyperhive.containers.kind import Kind, machine_name
from hyperhive.containers.starts import Start, Starts
from hyperhive.containers.system_bus import SystemBus, Unit
from hyperhive.errors import ContainerError

GONE = ("inactive", "failed")
STOP_SLACK_SECONDS = 15.0
NSPAWN = "systemd-nspawn"
LOOK_SECONDS, LOOKS = 0.01, 500


@define(eq=False)
class Starting:
    """Starts machines. Every method raises ContainerError; `grace` as for `Machines`."""

    _log: ClassVar[Logger] = Logger()

    _reactor: IReactor
    _starts: Starts
    _bus: SystemBus
    _journal: Journal
    _kind: Kind
    _grace: float

    async def resumed(self, name: str, generation: int) -> Start | None:
        """That start of the agent, if an earlier daemon had begun it and its machine is up, or was and is over."""
        start = self._starts.known.get(name)
        if start is None or start.generation != generation or start.boot != proc.boot():
            return None
        return await self.seen_up(name, start) or await self._seen_over(name, start)

    async def begun(self, name: str, generation: int, plan: Plan) -> Start:
        """A new start of the agent, recorded before anything of it is done, its unit cleared of what was before."""
        unit = await self._cleared(name)
        former = self._starts.known.get(name)
        before = unit.invocation or (former.invocation if former is not None else "")
        # Of an agent of that name that was destroyed, the journal still knows.
        before = before or await self._last_invocation(unit.name)
        # From here to the record nobody else may choose a slot.
        taken = {start.slot for other, start in self._starts.known.items() if other != name}
        start = Start(
            generation=generation,
            boot=proc.boot(),
            slot=former.slot if former is not None else slots.choose(name, taken),
            first=former.first if former is not None else int(self._reactor.seconds() * 1_000_000),
            before=before,
            network=plan.config.network or self._kind.network.kind,
        )
        self._starts.put(name, start)
        return start

    async def came_up(self, name: str, start: Start, plan: Plan) -> Start:
        """The start with its machine up. One that is up and gone again at once has crashed, and was started."""
        unit = self._kind.unit(name)
        try:
            await self._kind.start(name, start, plan)
        except ContainerError as error:
            raise ContainerError(await self._complaint(unit, start) or str(error)) from error
        seen = await self.seen_up(name, start)
        if seen is None:
            return await self.is_over(name, start)
        await self._leads(seen.leader)
        return seen

    async def seen_up(self, name: str, start: Start) -> Start | None:
        """The start as it is when its machine is up and on its network, recorded; None if there is no such machine."""
        unit = await self._bus.unit(self._kind.unit(name))
        if unit.active in GONE or unit.invocation == start.before:
            return None
        machine = (await self._bus.machines()).get(machine_name(name))
        leader = None if machine is None else proc.look(machine.leader)
        supervisor = proc.look(unit.main_pid)
        if machine is None or leader is None or supervisor is None or machine.unit != unit.name:
            return None
        up = evolve(
            start,
            invocation=unit.invocation,
            supervisor=supervisor.pid,
            supervisor_started=supervisor.started,
            leader=leader.pid,
            leader_started=leader.started,
            since=start.since or int(self._reactor.seconds()),
        )
        await self._join(name, up)
        self._starts.put(name, up)
        return up

    async def recognised(self, name: str, start: Start) -> Start | None:
        """A start in whose middle a daemon was killed, if its machine is up; recorded as over if nothing of it is."""
        seen = await self.seen_up(name, start)
        if seen is None and (await self._bus.unit(self._kind.unit(name))).active in GONE:
            await self.is_over(name, start)
        return seen

    async def _seen_over(self, name: str, start: Start) -> Start | None:
        """The start as one that is over, recorded; None if it never came to be."""
        unit = self._kind.unit(name)
        if (await self._bus.unit(unit)).active not in GONE:
            return None
        happened = start.up or await self._last_invocation(unit) not in {"", start.before}
        return await self.is_over(name, start) if happened else None

    async def _last_invocation(self, unit: str) -> str:
        """The unit's last invocation by the journal; empty if that can't be read."""
        try:
            return await self._journal.last_invocation(unit)
        except ContainerError as error:
            self._log.error("what {unit} was before can't be read: {error}", unit=unit, error=error)
            return ""

    async def is_over(self, name: str, start: Start) -> Start:
        """The start as one whose machine never came up, or was gone at once, recorded."""
        invocation = start.invocation or await self._last_invocation(self._kind.unit(name))
        over = evolve(start, invocation=invocation, over=1)
        if self._starts.known.get(name) is start:  # or a later start has begun meanwhile
            self._starts.put(name, over)
        return over

    async def _join(self, name: str, start: Start) -> None:
        """Give the machine its network; can be done again to the same effect."""
        try:
            await self._kind.network.of(start.network).join(machine_name(name), start.leader, start.slot)
        except ContainerError:
            leader = proc.look(start.leader)
            if leader is not None and leader.started == start.leader_started and not leader.ended:
                raise  # one that has died meanwhile was started, and then crashed

    async def _complaint(self, unit: str, start: Start) -> str:
        """What systemd-nspawn said of a start that failed; empty if it can't be known."""
        try:
            failed = await self._bus.unit(unit)
            invocation = failed.invocation if failed.invocation != start.before else ""
            return await self._journal.complaint(failed.main_pid, invocation)
        except ContainerError:
            return ""

    async def _leads(self, leader: int) -> None:
        """Wait until that process, a copy of systemd-nspawn at first, is the machine's own: before, no stop reaches it.

        systemd 257 says that a machine is up a tenth of a second before that, and 252 when it is so.
        """
        for _ in range(LOOKS):
            if proc.command(leader) != NSPAWN:
                return
            await deferLater(self._reactor, LOOK_SECONDS)

    async def _cleared(self, name: str) -> Unit:
        """The agent's unit, ended where it still runs: what is in it is no start that was asked for."""
        unit = await self._bus.unit(self._kind.unit(name))
        if unit.active not in GONE:
            await self._bus.stop_unit(unit.name, self._grace + STOP_SLACK_SECONDS)
        await self._bus.reset_failed(unit.name)
        # Of a machine that ended while the bus was away, machined has not heard.
        machine = (await self._bus.machines()).get(machine_name(name))
        if machine is not None and machine.unit == unit.name:
            await self._bus.unregister(machine.name)
        await remains.clear(self._reactor, machine_name(name))
        return unit
