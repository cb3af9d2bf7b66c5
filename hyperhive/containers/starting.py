"""How an agent's machine comes up: recorded, started by systemd, recognised by the daemon that comes after."""

from __future__ import annotations

from attrs import define, evolve
from twisted.internet.interfaces import IReactorTime

from hyperhive.containers import proc, slots
from hyperhive.containers.journal import Journal
from hyperhive.containers.kind import Kind, machine_name
from hyperhive.containers.starts import Start, read_start, recorded, write_start
from hyperhive.containers.system_bus import SystemBus, Unit
from hyperhive.errors import ContainerError
from hyperhive.layout import Layout

GONE = ("inactive", "failed")
STOP_SLACK_SECONDS = 15.0


@define(eq=False)
class Starting:
    """Starts machines. Every method raises ContainerError; `grace` as for `Machines`."""

    _clock: IReactorTime
    _layout: Layout
    _bus: SystemBus
    _journal: Journal
    _kind: Kind
    _grace: float

    async def resumed(self, name: str, generation: int) -> Start | None:
        """That start of the agent, if an earlier daemon had begun it and its machine is up."""
        start = read_start(self._layout.runtime(name))
        if start is None or start.generation != generation or start.boot != proc.boot():
            return None
        return await self.seen_up(name, start)

    async def begun(self, name: str, generation: int) -> Start:
        """A new start of the agent, recorded before anything of it is done, its unit cleared of what was before."""
        unit = await self._cleared(name)
        others = recorded(self._layout.runtimes)
        former = others.pop(name, None)
        start = Start(
            generation=generation,
            boot=proc.boot(),
            slot=former.slot if former is not None else slots.choose(name, {other.slot for other in others.values()}),
            first=former.first if former is not None else int(self._clock.seconds() * 1_000_000),
            before=unit.invocation
            or (former.invocation if former is not None else "")
            or await self._journal.last_invocation(unit.name),  # of an agent of that name that was destroyed
        )
        write_start(self._layout.runtime(name), start)
        return start

    async def came_up(self, name: str, start: Start) -> Start:
        """The start with its machine up. One that is up and gone again at once has crashed, and was started."""
        unit = self._kind.unit(name)
        try:
            await self._kind.start(name, start)
        except ContainerError as error:
            failed = await self._bus.unit(unit)
            invocation = failed.invocation if failed.invocation != start.before else ""
            said = await self._journal.complaint(failed.main_pid, invocation)
            raise ContainerError(said or str(error)) from error
        seen = await self.seen_up(name, start)
        if seen is not None:
            return seen
        ended = evolve(
            start, invocation=await self._journal.last_invocation(unit), since=int(self._clock.seconds())
        )  # fmt: skip
        write_start(self._layout.runtime(name), ended)
        return ended

    async def seen_up(self, name: str, start: Start) -> Start | None:
        """The start as it is when its machine is up, recorded; None if it isn't, or the machine is of another one."""
        unit = await self._bus.unit(self._kind.unit(name))
        if unit.active in GONE or unit.invocation == start.before:
            return None
        machine = (await self._bus.machines()).get(machine_name(name))
        process = None if machine is None else proc.look(machine.leader)
        supervisor = proc.look(unit.main_pid)
        if machine is None or process is None or supervisor is None or machine.unit != unit.name:
            return None
        up = evolve(
            start,
            invocation=unit.invocation,
            supervisor=supervisor.pid,
            supervisor_started=supervisor.started,
            leader=process.pid,
            leader_started=process.started,
            since=start.since or int(self._clock.seconds()),
        )
        write_start(self._layout.runtime(name), up)
        return up

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
        return unit
