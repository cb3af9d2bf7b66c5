"""Updates: agents that would be built from something else by now are rebuilt, asked about, or said to need it."""

from __future__ import annotations

from functools import partial
from typing import Final

from attrs import define, field
from twisted.application.service import Service
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.task import LoopingCall
from twisted.logger import Logger
from twisted.python.failure import Failure

from hyperhive.agent_config import ASK
from hyperhive.boundaries import IContainers
from hyperhive.errors import HiveError, OperationFailed
from hyperhive.services.approvals import Approvals
from hyperhive.services.broker import Broker
from hyperhive.services.configurations import Configurations
from hyperhive.services.effects import Effects
from hyperhive.services.feed import Kind
from hyperhive.services.lifecycle import Lifecycle
from hyperhive.store import configs
from hyperhive.store.configs import Deployed
from hyperhive.store.database import Connection
from hyperhive.wire import events
from hyperhive.wire.names import MANAGER, SYSTEM
from hyperhive.wire.states import OperationKind

_log = Logger()

INTERVAL: Final = 600.0
"""Seconds between two looks at what agents would be built from."""


@define(eq=False)
class Updates(Service):
    """Compares what runs with what would, one agent after the other, the manager first. A named service of the hive."""

    name = "updates"
    _broker: Broker
    _lifecycle: Lifecycle
    _approvals: Approvals
    _configurations: Configurations
    _containers: IContainers
    _loop: LoopingCall = field(init=False)
    _looking: Deferred[None] | None = field(default=None, init=False)
    _rebuilds: bool = field(default=True, init=False)

    def __attrs_post_init__(self) -> None:
        self._loop = LoopingCall(self._look_soon)
        self._loop.clock = self._broker.clock

    def startService(self) -> None:
        """Begin with what has changed while no daemon ran."""
        super().startService()
        self._loop.start(INTERVAL, now=True).addErrback(
            lambda reason: _log.failure("nobody looks for updates any more", failure=reason)
        )

    async def stopService(self) -> None:
        """Look no more; a rebuild that was begun is an operation like any other."""
        super().stopService()
        if self._loop.running:
            self._loop.stop()
        if self._looking is not None:
            self._looking.cancel()

    def _look_soon(self) -> None:
        if self._looking is None:
            looking = self._looking = Deferred.fromCoroutine(self._look())
            looking.addErrback(self._complain).addCallback(self._looked)

    def _looked(self, _: object) -> None:
        self._looking = None

    def _complain(self, reason: Failure) -> None:
        if not reason.check(CancelledError):
            _log.failure("who needs an update could not be looked for", failure=reason)

    async def _look(self) -> None:
        """One round: the first since this daemon began rebuilds, as far as every rebuild succeeds; others only note."""
        rebuilds, self._rebuilds = self._rebuilds, False
        running = await self._containers.running()
        for name in sorted(running, key=lambda name: (name != MANAGER, name)):
            try:
                rebuilds = await self._look_at(name, rebuilds=rebuilds) and rebuilds
            except HiveError as error:
                _log.error("whether {name} needs an update can't be known: {error}", name=name, error=error)

    async def _look_at(self, name: str, *, rebuilds: bool) -> bool:
        """Note whether the agent needs an update, and see to it; whether others may be rebuilt after it."""
        known = await self._broker.database.perform(self._configurations.reading(name))
        if known is None:
            return True
        plan = await self._configurations.plan(name, known.commit)
        origin = await self._containers.origin(plan)
        updates = plan.config.auto_update
        change = partial(_compare, known=known, origin=origin, tells=updates is False, now=self._broker.now())
        stale, effects = await self._broker.database.perform(change)
        self._broker.announce(effects)
        if stale and updates == ASK:
            await self._approvals.request_update(name, origin, SYSTEM)
        elif stale and updates and rebuilds:
            return await self._rebuild(name)
        return True

    async def _rebuild(self, name: str) -> bool:
        _log.info("{name} is rebuilt, as what it was built from has changed", name=name)
        operation = await self._lifecycle.request(name, OperationKind.REBUILD, SYSTEM)
        try:
            await self._lifecycle.ended(operation)
        except OperationFailed as error:
            _log.error("no other agent is rebuilt by itself: {error}", error=error)
            return False
        return True


def _compare(
    connection: Connection, known: Deployed, origin: str, now: int, *, tells: bool
) -> tuple[bool, Effects]:  # fmt: skip
    """Note whether a start would be made from something else; that, and what is to be announced of it."""
    effects, name = Effects(), known.agent
    now_known = configs.found(connection, name)
    if now_known is None or now_known.commit != known.commit:
        return False, effects  # it was deployed meanwhile, and is looked at in the next round
    changed = configs.compare(connection, name, origin)
    if changed is not None:
        effects.rows.append((Kind.AGENT, name, name))
        if changed and tells:
            effects.tell_manager(connection, events.NeedsUpdate(name), now)
    return changed or (changed is None and now_known.stale), effects
