"""Which agents' machines run: those of our starts, watched by their leaders, and those that nobody here has started."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress

from attrs import define, field
from twisted.internet import defer
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime

from hyperhive.boundaries import Running
from hyperhive.containers.kind import machine_name
from hyperhive.containers.leader import IReactor, Leader
from hyperhive.containers.starts import Start, Starts
from hyperhive.containers.system_bus import SystemBus
from hyperhive.errors import ContainerError

PATIENCE_SECONDS = 3.0
"""How long the bus has to be there, or to answer."""


@define(eq=False)
class _Kept:
    """An agent whose machine is up as far as we know."""

    start: Start
    leader: Leader


@define(eq=False)
class KeptMachines:
    """The agents whose machines are up as far as we know; `hint` is called whenever a leader has ended."""

    _reactor: IReactor
    hint: Callable[[], None] = field(init=False, default=lambda: None)

    _kept: dict[str, _Kept] = field(init=False, factory=dict)

    def __contains__(self, name: object) -> bool:
        return name in self._kept

    def alive(self, name: str) -> Start | None:
        """The agent's start, if its machine's leader is alive at this moment."""
        kept = self._kept.get(name)
        return kept.start if kept is not None and kept.leader.alive() else None

    def running(self) -> dict[str, Running]:
        """Every agent whose machine's leader is alive at this moment."""
        return {
            name: Running(generation=kept.start.generation, since=kept.start.since, pid=kept.start.leader)
            for name, kept in self._kept.items()
            if kept.leader.alive()
        }

    def keep(self, name: str, start: Start) -> None:
        """Watch the machine's leader; one that has died already is found by the next look. Raises ContainerError."""
        self.let_go(name)
        leader = None
        if start.up:
            leader = Leader.hold(self._reactor, start.leader, start.leader_started, lambda: self._leader_ended(name))
        if leader is not None:
            self._kept[name] = _Kept(start, leader)

    def let_go(self, name: str) -> None:
        """Watch the agent's machine no longer, if it is watched."""
        kept = self._kept.pop(name, None)
        if kept is not None:
            kept.leader.close()

    def close(self) -> None:
        """Watch no machine any longer, and give no hint."""
        self.hint = lambda: None
        kept, self._kept = self._kept, {}
        for one in kept.values():
            one.leader.close()

    def _leader_ended(self, name: str) -> None:
        del self._kept[name]
        self.hint()


async def strangers(
    reactor: IReactorTime, bus: SystemBus, starts: Starts, known: Mapping[str, Running]
) -> dict[str, Running]:
    """Machines of our agents that nobody here has started: of start 0. None where machined does not answer."""
    found = {}
    with suppress(ContainerError, defer.TimeoutError):
        listed = Deferred.fromCoroutine(bus.machines())
        machines = await listed.addTimeout(PATIENCE_SECONDS, reactor)
        for name, start in starts.known.items():
            machine = machines.get(machine_name(name))
            if machine is not None and name not in known and machine.leader != start.leader:
                found[name] = Running(generation=0, since=int(reactor.seconds()), pid=machine.leader)
    return found
