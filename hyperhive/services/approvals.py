"""The approval service: what waits for the operator's yes, and what a yes starts."""

from __future__ import annotations

import re
from collections.abc import Callable

from attrs import define
from twisted.application.service import Service
from twisted.internet.defer import Deferred

from hyperhive.errors import OperationFailed, Refused
from hyperhive.services import verdicts
from hyperhive.services.broker import Broker
from hyperhive.services.effects import Effects
from hyperhive.services.feed import Kind
from hyperhive.services.lifecycle import Lifecycle
from hyperhive.store import agents, operations
from hyperhive.store import approvals as table
from hyperhive.store.approvals import Proposal
from hyperhive.store.database import Connection
from hyperhive.wire.records import Approval, ApprovalKind, ApprovalStatus, Operation, OperationKind

NOT_DEPLOYABLE = (
    "this hyperhive has no configuration repositories to deploy a commit from; ask for it again with one that has"
)
_COMMIT = re.compile(r"[0-9a-fA-F]{4,40}")


@define(eq=False)
class Approvals(Service):
    """Queues approvals, and takes each decision once. A named service of the hive."""

    name = "approvals"

    _broker: Broker
    _lifecycle: Lifecycle

    def request_spawn(self, name: str, description: str | None, by: str) -> Deferred[int]:
        """Ask for a new agent; fires with the approval's id. Fails with BadName, or Refused if there is one."""
        self._lifecycle.check_name(name)
        proposal = Proposal(agent=name, kind=ApprovalKind.SPAWN, description=description, by=by)

        def change(connection: Connection) -> int:
            self._lifecycle.check_free(connection, name)
            return table.queue(connection, proposal, self._broker.now())

        return self._queue(change)

    def request_commit(self, agent: str, ref: str, description: str | None, by: str) -> Deferred[int]:
        """Ask to deploy a commit; fires with the approval's id. Fails with Refused or UnknownAgent."""
        if not _COMMIT.fullmatch(ref):
            message = "'commit_ref' must be 4 to 40 hex digits of a commit; a branch or a tag may move and is refused"
            raise Refused(message)
        proposal = Proposal(agent=agent, kind=ApprovalKind.APPLY_COMMIT, commit_ref=ref, description=description, by=by)

        def change(connection: Connection) -> int:
            agents.one(connection, agent)
            return table.queue(connection, proposal, self._broker.now())

        return self._queue(change)

    async def approve(self, id_: int, by: str) -> int:
        """Yes: fires with the operation that this starts, once both are on disk.

        Fails with Refused where the decision was taken already, with OperationFailed where it can't be carried out:
        the approval is then `failed`, and says why.
        """
        now = self._broker.now()

        def change(connection: Connection) -> tuple[Operation | None, str | None, Effects]:
            approval = table.decide(connection, id_, by, now)
            effects = Effects(rows=[(Kind.APPROVAL, id_, None)])
            try:
                return self._start(connection, approval, by, now), None, effects
            except (Refused, OperationFailed) as refusal:
                verdicts.resolve(connection, effects, approval, ApprovalStatus.FAILED, str(refusal), now)
                return None, str(refusal), effects

        operation, error, effects = await self._broker.database.perform(change)
        self._broker.announce(effects)
        if operation is None:
            message = f"approval {id_} failed: {error}"
            raise OperationFailed(message)
        self._lifecycle.take_up(operation)
        return operation.id

    async def deny(self, id_: int, note: str | None, by: str) -> None:
        """No. Fails with Refused where the decision was taken already."""
        await self._end(id_, ApprovalStatus.DENIED, note, by)

    async def cancel(self, id_: int, by: str) -> None:
        """Who asked withdraws it. Fails with Refused where it was decided, or another asked."""
        await self._end(id_, ApprovalStatus.CANCELLED, None, by)

    def pending(self) -> Deferred[tuple[tuple[Approval, ...], int]]:
        """The undecided ones that the seed can read, and how many others wait."""
        return self._broker.database.perform(table.pending)

    def every(self) -> Deferred[tuple[Approval, ...]]:
        """All of them, newest first."""
        return self._broker.database.perform(table.every)

    def _start(self, connection: Connection, approval: Approval, by: str, now: int) -> Operation:
        if approval.kind is ApprovalKind.APPLY_COMMIT:
            raise OperationFailed(NOT_DEPLOYABLE)
        self._lifecycle.check_free(connection, approval.agent)
        operation, _ = operations.queue(connection, approval.agent, OperationKind.SPAWN, by, now)
        table.start(connection, approval.id, operation.id)
        return operation

    async def _end(self, id_: int, status: ApprovalStatus, note: str | None, by: str) -> None:
        now = self._broker.now()

        def change(connection: Connection) -> Effects:
            if status is ApprovalStatus.CANCELLED and table.asked_by(connection, id_) not in (by, None):
                message = f"approval {id_} was not asked for by {by}; only who asked can withdraw it"
                raise Refused(message)
            approval = table.decide(connection, id_, by, now)
            effects = Effects()
            verdicts.resolve(connection, effects, approval, status, note, now)
            return effects

        self._broker.announce(await self._broker.database.perform(change))

    def _queue(self, change: Callable[[Connection], int]) -> Deferred[int]:
        def queued(id_: int) -> int:
            self._broker.feed.publish(Kind.APPROVAL, id_)
            return id_

        return self._broker.database.perform(change).addCallback(queued)
