"""Restarts by policy: an agent that is owed one is started again when that is due."""

from __future__ import annotations

from functools import partial

from attrs import define, field
from twisted.application.service import Service
from twisted.internet.defer import Deferred, DeferredList
from twisted.internet.interfaces import IDelayedCall
from twisted.logger import Logger
from twisted.python.failure import Failure

from hyperhive.boundaries import IContainers
from hyperhive.errors import HiveError
from hyperhive.limits import RestartPolicy
from hyperhive.services.broker import Broker
from hyperhive.services.feed import Kind
from hyperhive.services.lifecycle import Lifecycle
from hyperhive.services.restart_policy import restarts_after_crash
from hyperhive.store import operations, restarts
from hyperhive.store.database import Connection
from hyperhive.wire.names import SYSTEM
from hyperhive.wire.records import Operation
from hyperhive.wire.states import OperationKind

_log = Logger()

AGAIN = 5.0
"""Seconds until the next try where the database could not be used, or nothing can be started."""


@define(eq=False)
class Restarts(Service):
    """Queues an ordinary start, by `system`, for each restart that is due. A named service of the hive.

    What is owed is in the table; `look` is called whenever that may have changed, and by a timer for the next one.
    """

    name = "restarts"

    _broker: Broker
    _lifecycle: Lifecycle
    _containers: IContainers
    _policy: RestartPolicy
    _looking: set[Deferred[None]] = field(factory=set, init=False)
    _timer: IDelayedCall | None = field(default=None, init=False)

    def startService(self) -> None:
        """Begin with what came due while no daemon ran."""
        super().startService()
        self.look()

    async def stopService(self) -> None:
        """Start nobody any more; what is owed then is the next daemon's."""
        super().stopService()
        self._sleep(None)
        await DeferredList(list(self._looking))

    def look(self) -> None:
        """See to what is due, and sleep until the next is; harmless at any time."""
        if self.running:
            looking = Deferred.fromCoroutine(self._look()).addErrback(self._try_again)
            self._looking.add(looking)
            looking.addCallback(lambda _: self._looking.discard(looking))

    async def _look(self) -> None:
        if self._containers.blind is not None:
            # No attempt is spent on what could only fail.
            self._sleep(AGAIN)
            return
        now = self._broker.clock.seconds()
        change = partial(_take_due, policy=self._policy, now=now)
        begun, dropped, next_at = await self._broker.database.perform(change)
        for name in dropped:
            self._broker.feed.publish(Kind.AGENT, name, name)
        for operation in begun:
            _log.info("{name} is started again (operation {id})", name=operation.agent, id=operation.id)
            self._lifecycle.take_up(operation)
        self._sleep(None if next_at is None else next_at - now)

    def _sleep(self, seconds: float | None) -> None:
        if self._timer is not None and self._timer.active():
            self._timer.cancel()
        self._timer = None
        if seconds is not None and self.running:
            self._timer = self._broker.clock.callLater(seconds, self.look)

    def _try_again(self, reason: Failure) -> None:
        if reason.check(HiveError):
            _log.error("restarts that are due could not be looked for: {error}", error=reason.value)
        else:
            _log.failure("restarts that are due could not be looked for", failure=reason)
        self._sleep(AGAIN)


def _take_due(
    connection: Connection, policy: RestartPolicy, now: float
) -> tuple[list[Operation], list[str], float | None]:
    """Queue the starts that are due; those, the agents that the policy no longer starts, and when the next is due.

    An agent on which anything is queued waits: whoever asked for that decides, and there is a look when it has ended.
    What is further off than the longest pause is due as well: the clock was set back, or the policy is another one.
    """
    begun, dropped = [], []
    next_at = None
    for name, at in restarts.owed(connection):
        if not restarts_after_crash(connection, policy, name):
            restarts.forget(connection, name)
            dropped.append(name)
        elif now < at <= now + policy.longest_pause:
            next_at = at if next_at is None else next_at
        elif operations.coming(connection, name) is None:
            operation, _ = operations.queue(connection, name, OperationKind.START, SYSTEM, int(now))
            restarts.made(connection, name, operation.id, now)
            begun.append(operation)
    return begun, dropped, next_at
