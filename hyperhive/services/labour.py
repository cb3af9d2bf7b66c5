"""Carrying out one operation: what is done outside, between its beginning and its end on disk."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection
from functools import partial

from attrs import define
from twisted.internet.defer import Deferred, DeferredList
from twisted.logger import Logger

from hyperhive.boundaries import IContainers, IDoors
from hyperhive.errors import HiveError
from hyperhive.layout import Layout
from hyperhive.limits import RestartPolicy
from hyperhive.services import homes, verdicts
from hyperhive.services.broker import Broker
from hyperhive.services.crashes import Crashes
from hyperhive.services.deploys import INTERNAL, Deploys
from hyperhive.services.effects import Effects
from hyperhive.services.endings import Begun, Ended, Work, begin, end
from hyperhive.services.feed import Kind
from hyperhive.services.launches import Launches
from hyperhive.services.leases import Leases
from hyperhive.services.restart_policy import log_given_up
from hyperhive.services.writing import Interrupted, Writing
from hyperhive.store import agents, approvals, configs, operations
from hyperhive.store.database import Connection
from hyperhive.wire.records import Operation
from hyperhive.wire.states import ApprovalStatus, OperationKind, OperationState

_log = Logger()


@define(eq=False)
class Labour:
    """Does the work of operations on homes, doors and containers. Every step can be done twice to the same effect."""

    _broker: Broker
    _leases: Leases
    _crashes: Crashes
    _containers: IContainers
    _doors: IDoors
    _launches: Launches
    _deploys: Deploys
    _writing: Writing
    _layout: Layout
    _policy: RestartPolicy

    async def carry_out(self, work: Work) -> Operation:
        """Do it, and write what came of it; the operation's row as it is then.

        Raises Interrupted if the daemon ends before.
        """
        name, now = work.agent, self._broker.now()
        ended = Ended(state=OperationState.SUCCEEDED)
        begun = None
        try:
            await self._crashes.look(name)  # of who ended before this began, nobody could tell later
            runs = (await self._containers.running()).get(name)
            begun = await self._broker.database.perform(partial(begin, work=work, now=now, runs=runs))
            self._broker.feed.publish(Kind.OPERATION, work.operation.id, name)
            await self._work(work, begun, ended)
        except Interrupted:
            raise
        except HiveError as error:
            # An operation that an earlier daemon began, and that we can't even look at, may have had its effect.
            blind = work.resumed and begun is None
            ended.state, ended.error = OperationState.UNKNOWN if blind else OperationState.FAILED, str(error)
        except Exception:  # noqa: BLE001 - whatever it was, the operation has to end
            _log.failure("operation {id} on {name} broke", id=work.operation.id, name=name)
            ended.state, ended.error = OperationState.FAILED, INTERNAL
        if ended.error is not None:
            what = work.kind.value
            _log.error("{what} of {name} failed: {error}", what=what, name=name, error=ended.error)
        return await self._end(work, begun or Begun(starts=False, existed=True, was_wanted=False), ended)

    def end(self) -> None:
        """The daemon ends: what can't be waited for or written is found again by the next one."""
        self._writing.ending = True

    async def stop_all(self) -> None:
        """Stop every agent that runs, each noted first as one to start again."""
        rows = await self._broker.database.perform(agents.every)
        names = [agent.name for agent in rows if agent.wanted == agents.RUNNING and not agent.failed]

        def note(connection: Connection) -> None:
            for name in names:
                agents.is_stopped(connection, name, agents.RESUME)

        try:
            await self._broker.database.perform(note)
        except HiveError as trouble:
            _log.error("that the agents stop with the daemon is not on disk: {trouble}", trouble=trouble)
        await DeferredList(
            [Deferred.fromCoroutine(self._stop_for_now(name)) for name in names], consumeErrors=True
        )  # fmt: skip

    async def end_strays(self, busy: Collection[str]) -> None:
        """End what runs of those who are not in the hive, but for the `busy`, on whom an operation goes on.

        It is of a spawn that failed, and could not be taken back while the backend was away.
        """
        try:
            present = await self._broker.database.perform(agents.names)
            for name in (await self._containers.running()).keys() - set(present) - set(busy):
                _log.warn("{name} runs and is not in the hive: it is ended", name=name)
                await self._containers.stop(name, graceful=False)
                await self._containers.remove(name)
        except HiveError as error:
            _log.error("who runs and is not in the hive could not be seen to: {error}", error=error)

    async def _stop_for_now(self, name: str) -> None:
        try:
            await self._containers.stop(name)
            await self._leases.stopped(name, crashed=False)
        except HiveError as error:
            _log.error("{name} could not be stopped: {error}", name=name, error=error)

    async def _work(self, work: Work, begun: Begun, ended: Ended) -> None:
        match work.kind:
            case OperationKind.SPAWN | OperationKind.START:
                await self._start(work, begun, ended)
            case OperationKind.RESTART | OperationKind.REBUILD:
                await self._start(work, begun, ended, anew=work.start is None)
            case OperationKind.STOP:
                await self._launches.stop(work, ended, graceful=not work.flag)
            case OperationKind.DESTROY:
                await self._launches.stop(work, ended)
                await self._take_down(work)
            case OperationKind.INIT_CONFIG:
                homes.make(self._layout, work.agent)
                await self._launches.configurations.make(work.agent)
            case OperationKind.DEPLOY:
                await self._deploys.carry_out(work, begun, ended)

    async def _start(self, work: Work, begun: Begun, ended: Ended, *, anew: bool = False) -> None:
        """Start the agent, where it is to be started; if `anew`, it is stopped before, once nothing else is missing."""
        name = work.agent
        fresh = homes.make(self._layout, name)
        try:
            commit = await self._launches.configurations.make(name)
            await self._doors.open(name)
            plan = await self._launches.configurations.plan(name, commit)
            if begun.starts:
                await self._containers.prepare(name, plan)
            if anew:
                await self._launches.stop(work, ended)
            if begun.starts:
                await self._launches.start(work, ended, plan)
        except HiveError:
            if work.kind is OperationKind.SPAWN and not begun.existed:
                await self._undo(name, fresh=fresh)
            raise

    async def _undo(self, name: str, *, fresh: bool) -> None:
        """Leave nothing half made of an agent that could not be spawned; what was kept of an earlier one stays."""
        steps: list[Callable[[], Awaitable[object]]] = [
            partial(self._containers.stop, name, graceful=False),
            partial(self._containers.remove, name),
            partial(self._doors.close, name),
        ]
        if fresh:
            steps += [partial(self._purge, name), partial(self._forget, name)]
        for step in steps:
            try:
                await step()
            except HiveError as error:  # why it could not be spawned is what its operator is told
                _log.error("what was made of {name} stays: {error}", name=name, error=error)

    async def _forget(self, name: str) -> None:
        """Its configuration is gone, and whatever waits for a decision about it can no longer run."""
        now = self._broker.now()

        def change(connection: Connection) -> Effects:
            effects = Effects()
            configs.forget(connection, name)
            waiting = [row for row in approvals.undecided_of(connection, name) if row.sha is not None]
            for approval in waiting:
                verdicts.resolve(connection, effects, approval, ApprovalStatus.FAILED, f"'{name}' is gone", now)
            return effects

        self._broker.announce(await self._broker.database.perform(change))

    async def _take_down(self, work: Work) -> None:
        await self._doors.close(work.agent)
        await self._containers.remove(work.agent)
        if work.flag:
            await self._purge(work.agent)

    async def _purge(self, name: str) -> None:
        await self._launches.configurations.remove(name)
        await homes.purge(self._layout, name)

    async def _end(self, work: Work, begun: Begun, ended: Ended) -> Operation:
        give_back = self._leases.stopping(work.agent, crashed=False)
        change = partial(
            end,
            work=work,
            begun=begun,
            ended=ended,
            give_back=give_back,
            policy=self._policy,
            now=self._broker.clock.seconds(),
        )
        effects, given_back = await self._writing.write(change, f"the end of operation {work.operation.id}")
        if given_back is not None:
            self._leases.given_back(work.agent, given_back)
        self._broker.announce(effects)
        log_given_up(effects)
        return await self._broker.database.perform(partial(operations.one, id_=work.operation.id))
