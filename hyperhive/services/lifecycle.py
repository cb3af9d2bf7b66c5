"""The lifecycle: what is done to agents, one thing at a time each, several agents at once."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from typing import Final

from attrs import define, field
from twisted.application.service import Service
from twisted.internet.defer import Deferred, DeferredList, succeed
from twisted.logger import Logger
from twisted.python.failure import Failure

from hyperhive.errors import BadName, OperationFailed, Refused, UnknownAgent
from hyperhive.services.broker import Broker
from hyperhive.services.endings import Work
from hyperhive.services.feed import Kind
from hyperhive.services.labour import Labour
from hyperhive.services.writing import Interrupted
from hyperhive.store import agents, configs, leases, operations
from hyperhive.store.database import Connection
from hyperhive.wire.names import MANAGER, SYSTEM, objection
from hyperhive.wire.records import Operation
from hyperhive.wire.states import OperationKind, OperationState

NAME_RULES: Final = "a lower-case letter, then lower-case letters, digits or '-', at most {longest} characters in all"
"""What a new agent's name must be, in words."""
_log = Logger()


@define(eq=False)
class Lifecycle(Service):
    """Queues operations and has them carried out. A named service of the hive.

    An operation is a row before anything is done, and goes on whoever asked for it goes away.
    """

    name = "lifecycle"

    _broker: Broker
    _labour: Labour
    longest_name: int
    _queues: dict[str, deque[Work]] = field(factory=dict, init=False)
    _busy: dict[str, Deferred[None]] = field(factory=dict, init=False)
    _taken_up: set[int] = field(factory=set, init=False)
    _waiting: dict[int, list[Deferred[Operation]]] = field(factory=dict, init=False)
    _hints: list[Callable[[], None]] = field(factory=list, init=False)
    _strays: Deferred[None] = field(factory=partial(succeed, None), init=False)

    def after_each(self, hint: Callable[[], None]) -> None:
        """Have `hint` called whenever an operation has ended."""
        self._hints.append(hint)

    async def stopService(self) -> None:
        """Begin no further operation, and wait for those that run."""
        super().stopService()
        self._labour.end()
        await DeferredList([self._strays, *self._busy.values()])

    def check_name(self, name: str) -> None:
        """Raises BadName for a name that no new agent may have."""
        wrong = objection(name, self.longest_name)
        if wrong is not None:
            raise BadName(wrong)

    def check_free(self, connection: Connection, name: str) -> None:
        """Raises Refused if there is an agent of that name, or one is about to be."""
        if _will_exist(connection, name):
            message = f"there is an agent '{name}' already; 'start', 'restart' or 'rebuild' it, or choose another name"
            raise Refused(message)

    def check_known(self, connection: Connection, name: str) -> None:
        """Raises UnknownAgent unless there is an agent of that name once what is under way has ended."""
        if not _will_exist(connection, name):
            raise UnknownAgent(agents.unknown(name))

    async def request(self, name: str, kind: OperationKind, by: str, *, flag: bool = False) -> int:
        """Queue an operation, or join one that says the same; its id, once it is on disk.

        Fails with BadName, UnknownAgent or Refused.
        """
        if kind is OperationKind.SPAWN:
            self.check_name(name)
        if kind is OperationKind.DESTROY and name == MANAGER:
            message = "the manager can't be destroyed; 'stop' it, or 'rebuild' it"
            raise Refused(message)
        now = self._broker.now()

        def change(connection: Connection) -> tuple[Operation, bool]:
            self._check(connection, name, kind, flag=flag)
            return operations.queue(connection, name, kind, by, now, flag=flag)

        operation, is_new = await self._broker.database.perform(change)
        if is_new:
            self.take_up(operation, flag=flag)
        return operation.id

    def take_up(self, operation: Operation, *, flag: bool = False) -> None:
        """An operation was queued, and is on disk: see to it."""
        self._broker.feed.publish(Kind.OPERATION, operation.id, operation.agent)
        self._enqueue(Work(operation=operation, flag=flag))

    async def ended(self, id_: int) -> None:
        """Wait for an operation's end. Fails with OperationFailed, saying why, if it did not succeed."""
        operation = await self._broker.database.perform(partial(operations.one, id_=id_))
        if operation.state in (OperationState.QUEUED, OperationState.RUNNING):
            done: Deferred[Operation] = Deferred()
            self._waiting.setdefault(id_, []).append(done)
            operation = await done
        if operation.state is not OperationState.SUCCEEDED:
            what = f"{operation.kind.value} of '{operation.agent}'"
            outcome = "failed" if operation.state is OperationState.FAILED else "came to an unknown end"
            message = f"{what} {outcome}: {operation.error or 'no reason is known'} (operation {id_})"
            raise OperationFailed(message)

    async def prepare(self, boot: str, kind: str) -> None:
        """Before anything else is done: what an earlier daemon's end left undone in the tables.

        `boot` is the host's, `kind` the backend's. Fails with StartupError if agents may run in another backend's
        containers.
        """

        def change(connection: Connection) -> None:
            leases.requeue_all(connection)
            agents.add_manager(connection)
            agents.resume_after_reboot(connection, boot)
            agents.keep_to_backend(connection, kind)

        await self._broker.database.perform(change)

    async def recover(self) -> None:
        """Go on where an earlier daemon ended: take up what it left, and start what it stopped."""
        undone = await self._broker.database.perform(operations.undone)
        for left in undone:
            resumed = left.operation.state is OperationState.RUNNING
            self._enqueue(
                Work(
                    operation=left.operation, flag=left.flag, resumed=resumed, start=left.start, undoing=left.undoing
                )
            )  # fmt: skip
        busy = {left.operation.agent for left in undone}  # somebody has said already what is to become of these
        self._strays = Deferred.fromCoroutine(self._labour.end_strays(busy)).addErrback(_broke_off)
        for agent in await self._broker.database.perform(agents.every):
            if agent.wanted == agents.RESUME and agent.name not in busy:
                with suppress(UnknownAgent):  # it is being destroyed
                    await self.request(agent.name, OperationKind.START, SYSTEM)

    async def stop_all(self) -> None:
        """Stop every agent that runs, to be started again by the next daemon; for a hive that ends with its daemon."""
        await self._labour.stop_all()

    def listed(self, *, ended: bool) -> Deferred[tuple[Operation, ...]]:
        """The operations under way, or also the last ended ones, newest first."""
        return self._broker.database.perform(partial(operations.listed, ended=ended))

    async def rows(self, ids: Sequence[int]) -> tuple[Operation, ...]:
        """Those operations as they stand."""
        return await self._broker.database.perform(
            lambda connection: tuple(operations.one(connection, id_) for id_ in ids)
        )

    def _check(self, connection: Connection, name: str, kind: OperationKind, *, flag: bool) -> None:
        if kind is OperationKind.SPAWN:
            if operations.coming(connection, name) is not OperationKind.SPAWN:
                self.check_free(connection, name)
        elif not _will_exist(connection, name):
            kept = kind is OperationKind.DESTROY and flag and _is_kept(connection, name)
            if not kept and operations.coming(connection, name) is not kind:
                raise UnknownAgent(agents.unknown(name))

    def _enqueue(self, work: Work) -> None:
        # One that is asked for while `recover` reads the table comes both ways.
        if work.operation.id in self._taken_up:
            return
        self._taken_up.add(work.operation.id)
        self._queues.setdefault(work.agent, deque()).append(work)
        if work.agent not in self._busy and self.running:
            self._next(work.agent)

    def _next(self, name: str) -> None:
        queue = self._queues.get(name)
        if not queue or not self.running:
            self._queues.pop(name, None)
            return
        work = queue.popleft()
        done = self._busy[name] = Deferred()

        def over(_: object) -> None:
            del self._busy[name]
            self._taken_up.discard(work.operation.id)
            self._next(name)
            done.callback(None)

        Deferred.fromCoroutine(self._carry_out(work)).addErrback(
            lambda reason: _log.failure("operation {id} broke off", failure=reason, id=work.operation.id)
        ).addCallback(over)

    async def _carry_out(self, work: Work) -> None:
        id_, what = work.operation.id, f"{work.kind.value} of '{work.agent}'"
        try:
            operation = await self._labour.carry_out(work)
        except Interrupted:
            self._give_up(id_, f"the daemon ends; {what} goes on with the next one")
            return
        except Exception:
            self._give_up(id_, f"{what} ended, and how could not be written down; the daemon's log says why")
            raise
        for waiting in self._waiting.pop(id_, []):
            waiting.callback(operation)
        for hint in self._hints:
            hint()

    def _give_up(self, id_: int, why: str) -> None:
        """Whoever waits for the operation will not hear here how it ended."""
        for waiting in self._waiting.pop(id_, []):
            waiting.errback(OperationFailed(f"{why} (operation {id_})"))


def _broke_off(why: Failure) -> None:
    _log.failure("who runs and is not in the hive could not be seen to", failure=why)


def _is_kept(connection: Connection, name: str) -> bool:
    """Whether something is kept of an agent that was destroyed, or for one that is to come."""
    return agents.found(connection, name) is not None or configs.found(connection, name) is not None


def _will_exist(connection: Connection, name: str) -> bool:
    """Whether the agent is in the hive once what is under way has ended."""
    coming = operations.coming(connection, name)
    if coming is not None:
        return coming is not OperationKind.DESTROY
    agent = agents.found(connection, name)
    return agent is not None and agent.present
