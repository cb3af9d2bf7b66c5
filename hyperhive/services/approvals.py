"""The approval service: what waits for the operator's yes, and what a yes starts."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from attrs import define
from twisted.application.service import Service
from twisted.internet.defer import Deferred

from hyperhive.errors import OperationFailed, Refused, UnknownAgent
from hyperhive.limits import MOST_UNDECIDED, rows
from hyperhive.services import verdicts
from hyperhive.services.broker import Broker
from hyperhive.services.effects import Effects
from hyperhive.services.feed import Kind
from hyperhive.services.lifecycle import Lifecycle
from hyperhive.services.proposals import Comparison, Proposals, check_unchanged
from hyperhive.store import approvals as table
from hyperhive.store import configs, operations
from hyperhive.store.approvals import Proposal
from hyperhive.store.database import Connection
from hyperhive.wire.fields import TEXT_BYTES
from hyperhive.wire.records import Approval, Operation
from hyperhive.wire.states import ApprovalKind, ApprovalStatus, OperationKind

NOT_PINNED = "it was asked for by a hyperhive that could not deploy commits; ask for it again"
STARTS = {
    ApprovalKind.SPAWN: OperationKind.SPAWN,
    ApprovalKind.INIT_CONFIG: OperationKind.INIT_CONFIG,
    ApprovalKind.APPLY_COMMIT: OperationKind.DEPLOY,
    ApprovalKind.UPDATE: OperationKind.REBUILD,
}
"""The operation by which each kind is carried out."""


@define(eq=False)
class Approvals(Service):
    """Queues approvals, and takes each decision once. A named service of the hive."""

    name = "approvals"

    _broker: Broker
    _lifecycle: Lifecycle
    _proposals: Proposals

    def startService(self) -> None:
        """Begin with what an earlier daemon has not told the repositories."""
        super().startService()
        self._proposals.tell_soon()

    async def stopService(self) -> None:
        """End when the repositories know what became of what was decided."""
        super().stopService()
        await self._proposals.tell()

    def request_spawn(self, name: str, description: str | None, by: str) -> Deferred[int]:
        """Ask for a new agent; fires with the approval's id. Fails with BadName, or Refused if there is one."""
        self._lifecycle.check_name(name)
        proposal = Proposal(agent=name, kind=ApprovalKind.SPAWN, description=description, by=by)
        return self._queue(proposal, partial(self._lifecycle.check_free, name=name))

    def request_init_config(self, name: str, description: str | None, by: str) -> Deferred[int]:
        """Ask for a new agent's repositories; fires with the approval's id. Fails with BadName or Refused."""
        self._lifecycle.check_name(name)
        proposal = Proposal(agent=name, kind=ApprovalKind.INIT_CONFIG, description=description, by=by)
        return self._queue(proposal, partial(self._check_none, name=name))

    async def request_commit(self, agent: str, ref: str, description: str | None, by: str) -> int:
        """Ask to deploy a commit; the approval's id. What the ref names from now on does not matter.

        Raises UnknownAgent, Refused, RepositoryError or BadConfig.
        """
        await self._broker.database.perform(partial(_check_few, by=by))  # before anything is made for it
        return await self._proposals.pin(agent, ref, description, by, lambda proposal: self._queue(proposal, _free))

    async def request_update(self, agent: str, origin: str, by: str) -> None:
        """Ask to make an agent from that anew, unless that was asked before."""

        def change(connection: Connection) -> Effects:
            effects, now = Effects(), self._broker.now()
            if configs.ask(connection, agent, origin):
                verdicts.withdraw_updates_of(connection, effects, agent, now)
                id_ = table.queue(connection, Proposal(agent=agent, kind=ApprovalKind.UPDATE, by=by), now)
                effects.rows.append((Kind.APPROVAL, id_, None))
            return effects

        self._broker.announce(await self._broker.database.perform(change))

    async def approve(self, id_: int, by: str, digest: str | None = None, note: str | None = None) -> int:
        """Yes: the operation that this starts, once both are on disk. `digest` is that of the diff that was looked at.

        `note` is told to the manager with the result.

        Raises Refused where the decision was taken already, something else than was shown would change, or the note is
        too long; and
        OperationFailed where it can't be carried out: the approval is then `failed`, and says why.
        """
        _check_note(note)
        approval = await self._broker.database.perform(partial(table.one, id_=id_))
        base = None
        if approval.sha is not None and approval.decided_at is None:
            base = await self._proposals.confirm(approval, digest)
        elif digest is not None and approval.decided_at is None:
            message = f"approval {id_} is about no commit, so there is no digest of it; leave it out"
            raise Refused(message)
        operation, error, effects = await self._broker.database.perform(
            partial(self._decide, id_=id_, by=by, note=note, base=base)
        )
        self._broker.announce(effects)
        if operation is None:
            message = f"approval {id_} failed: {error}"
            raise OperationFailed(message)
        self._lifecycle.take_up(operation)
        return operation.id

    async def deny(self, id_: int, note: str | None, by: str) -> None:
        """No. Fails with Refused where the decision was taken already, or the note is too long."""
        _check_note(note)
        await self._end(id_, ApprovalStatus.DENIED, note, by)

    async def cancel(self, id_: int, by: str) -> None:
        """Who asked withdraws it. Fails with Refused where it was decided, or another asked."""
        await self._end(id_, ApprovalStatus.CANCELLED, None, by)

    async def roll_back(self, agent: str, ref: str | None, by: str) -> int:
        """Deploy what `ref` names, or what was deployed before, approved by who asks; the operation.

        Raises Refused, RepositoryError or BadConfig.
        """
        commit, base = await self._proposals.former(agent, ref)
        proposal = Proposal(
            agent=agent,
            kind=ApprovalKind.APPLY_COMMIT,
            commit_ref=commit,
            sha=commit,
            base=base,
            description=f"rollback by {by}",
            by=by,
        )
        now = self._broker.now()

        def change(connection: Connection) -> tuple[int, Operation]:
            id_ = table.queue(connection, proposal, now)
            check_unchanged(connection, table.one(connection, id_), base)
            return id_, self._start(connection, table.decide(connection, id_, by, now), by, now)

        id_, operation = await self._broker.database.perform(change)
        self._broker.feed.publish(Kind.APPROVAL, id_)
        self._lifecycle.take_up(operation)
        await self._proposals.tell(id_)
        return operation.id

    async def diff(self, id_: int, against: str | None) -> Comparison:
        """What the commit of an approval changes. Raises Refused or RepositoryError."""
        return await self._proposals.compare(id_, against)

    def pending(self) -> Deferred[tuple[tuple[Approval, ...], int]]:
        """The undecided ones that the seed can read, and how many others wait."""
        return self._broker.database.perform(table.pending)

    def one(self, id_: int) -> Deferred[Approval]:
        """That one. Fails with Refused."""
        return self._broker.database.perform(partial(table.one, id_=id_))

    def undecided(self) -> Deferred[tuple[Approval, ...]]:
        """Those of every kind that wait, oldest first."""
        return self._broker.database.perform(table.undecided)

    def decided(self, limit: int, before: int | None) -> Deferred[tuple[Approval, ...]]:
        """The last that wait no longer, newest first, with ids below `before`."""
        return self._broker.database.perform(partial(table.decided, limit=rows(limit), before=before))

    def every(self) -> Deferred[tuple[Approval, ...]]:
        """All of them, newest first."""
        return self._broker.database.perform(table.every)

    def _decide(
        self, connection: Connection, id_: int, by: str, note: str | None, base: str | None
    ) -> tuple[Operation | None, str | None, Effects]:
        now = self._broker.now()
        approval = table.decide(connection, id_, by, now, note, base)
        effects = Effects(rows=[(Kind.APPROVAL, id_, None)])
        if base is not None:
            check_unchanged(connection, approval, base)
        try:
            return self._start(connection, approval, by, now), None, effects
        except (Refused, UnknownAgent, OperationFailed) as refusal:
            verdicts.resolve(connection, effects, approval, ApprovalStatus.FAILED, str(refusal), now)
            return None, str(refusal), effects

    def _start(self, connection: Connection, approval: Approval, by: str, now: int) -> Operation:
        if approval.kind is ApprovalKind.APPLY_COMMIT and approval.sha is None:
            raise OperationFailed(NOT_PINNED)
        if approval.kind is ApprovalKind.SPAWN:
            self._lifecycle.check_free(connection, approval.agent)
        if approval.kind is ApprovalKind.INIT_CONFIG:
            self._check_none(connection, approval.agent)
        if approval.kind is ApprovalKind.UPDATE:
            self._lifecycle.check_known(connection, approval.agent)
        if operations.coming(connection, approval.agent) is OperationKind.DESTROY:
            message = f"'{approval.agent}' is being destroyed; ask again when that has ended"
            raise OperationFailed(message)
        operation, _ = operations.queue(connection, approval.agent, STARTS[approval.kind], by, now)
        table.start(connection, approval.id, operation.id)
        return operation

    def _check_none(self, connection: Connection, name: str) -> None:
        """Raises Refused if there is an agent of that name, or a configuration for one."""
        self._lifecycle.check_free(connection, name)
        if configs.found(connection, name) is not None:
            message = f"there is a configuration of '{name}' already; change it by commits, or ask for the agent itself"
            raise Refused(message)

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
        await self._proposals.tell(id_)

    def _queue(self, proposal: Proposal, check: Callable[[Connection], None]) -> Deferred[int]:
        """Queue an approval if `check` raises nothing, and who asks has not too many waiting; fires with its id."""

        def change(connection: Connection) -> int:
            check(connection)
            _check_few(connection, proposal.by)
            return table.queue(connection, proposal, self._broker.now())

        def queued(id_: int) -> int:
            self._broker.feed.publish(Kind.APPROVAL, id_)
            return id_

        return self._broker.database.perform(change).addCallback(queued)


def _check_note(note: str | None) -> None:
    """Raises Refused for one that the wire would not take, in its words."""
    size = 0 if note is None else len(note.encode(errors="replace"))
    if size > TEXT_BYTES:
        message = f"'note' must be a string of at most {TEXT_BYTES} bytes, not a string of {size} bytes"
        raise Refused(message)


def _check_few(connection: Connection, by: str) -> None:
    """Raises Refused if that asker has as many waiting as may be."""
    if table.undecided_by(connection, by) >= MOST_UNDECIDED:
        message = (
            f"{MOST_UNDECIDED} approvals that you asked for wait already, the most there may be; "
            "withdraw one, or wait for the operator"
        )
        raise Refused(message)


def _free(_: Connection) -> None:
    """Nothing forbids it."""
