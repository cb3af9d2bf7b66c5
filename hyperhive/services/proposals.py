"""Commits that wait for the operator: pinned when they are asked for, shown against what runs, and told of in tags."""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable
from functools import partial

from attrs import define, field, frozen
from twisted.internet.defer import Deferred, DeferredLock
from twisted.logger import Logger

from hyperhive.boundaries import IRepositories
from hyperhive.errors import HiveError, Refused
from hyperhive.services.broker import Broker
from hyperhive.services.configurations import Configurations
from hyperhive.store import approvals as table
from hyperhive.store import configs, operations
from hyperhive.store.approvals import Proposal
from hyperhive.store.database import Connection
from hyperhive.wire.needs import is_undecided
from hyperhive.wire.records import Approval
from hyperhive.wire.states import ApprovalKind, ApprovalStatus

_log = Logger()

RUNNING, LAST_APPROVED, PREVIOUS = AGAINST = "running", "last-approved", "previous-proposal"


@frozen(kw_only=True)
class Comparison:
    """What a commit changes of another, `base`. `digest` is that of both and of the difference, against what runs."""

    approval: Approval
    base: str
    diff: str
    digest: str | None


@define(eq=False)
class Proposals:
    """Takes in commits, compares them, and keeps in each repository what became of them."""

    _broker: Broker
    _repositories: IRepositories
    _configurations: Configurations
    _pinning: dict[str, DeferredLock] = field(factory=dict, init=False)
    _telling: DeferredLock = field(factory=DeferredLock, init=False)

    async def pin(
        self, agent: str, ref: str, description: str | None, by: str, queue: Callable[[Proposal], Awaitable[int]]
    ) -> int:
        """Pin the commit that `ref` names now, have `queue` put it before the operator, and tag it; the approval's id.

        Where it is refused nothing of it is kept. Raises UnknownAgent, RepositoryError, BadConfig, ContainerError, or
        Refused for one that is deployed already or changes nothing, and what `queue` does.
        """
        base = await self._base_of(agent)
        async with self._pinning.setdefault(agent, DeferredLock()):
            commit = await self._repositories.take_in(agent, ref)
            try:
                await self._configurations.check(agent, commit)
                await self._check_changes(agent, base, commit)
                proposal = Proposal(
                    agent=agent,
                    kind=ApprovalKind.APPLY_COMMIT,
                    commit_ref=ref,
                    sha=commit,
                    base=base,
                    description=description,
                    by=by,
                )
                id_ = await queue(proposal)
            except HiveError:
                await self._repositories.let_go(agent, commit)
                raise
            await self.tell(id_)
        return id_

    async def _check_changes(self, agent: str, base: str, commit: str) -> None:
        if commit == base:
            message = f"{commit[:12]} is what is deployed; commit a change, and ask for that"
            raise Refused(message)
        if not await self._repositories.diff(agent, base, commit):
            message = f"{commit[:12]} changes nothing of {base[:12]}, which is deployed"
            raise Refused(message)

    async def compare(self, id_: int, against: str | None) -> Comparison:
        """What the approval's commit changes, or changed when that was decided, where `against` names nothing else.

        Raises Refused where there is nothing to compare.
        """
        if against not in (None, *AGAINST):
            message = f"'against' must be one of {', '.join(AGAINST)}"
            raise Refused(message)
        approval = await self._broker.database.perform(partial(table.one, id_=id_))
        if approval.sha is None:
            message = f"approval {id_} is about no commit; only such a one has a diff"
            raise Refused(message)
        base = await self._base(approval, against)
        diff = await self._repositories.diff(approval.agent, base, approval.sha)
        digest = _digest(base, approval.sha, diff) if against in (None, RUNNING) else None
        return Comparison(approval=approval, base=base, diff=diff, digest=digest)

    async def confirm(self, approval: Approval, digest: str | None) -> str:
        """The commit that runs, against which a yes is meant.

        Raises Refused for one that runs already, and where another runs than was shown, unless the digest is that of
        the difference to this one.
        """
        known = await self._configurations.deployed(approval.agent)
        if approval.sha == known.commit:
            message = f"'{approval.agent}' is made from {known.commit[:12]} already; deny approval {approval.id}"
            raise Refused(message)
        if digest is None and approval.base == known.commit:
            return known.commit
        new = await self.compare(approval.id, None)
        if digest is None:
            message = (
                f"approval {approval.id} is stale: it was asked for when {approval.agent} was made from "
                f"{str(approval.base)[:12]}, which is {new.base[:12]} since; look at 'diff' again, and approve with "
                f"the digest that it shows"
            )
            raise Refused(message)
        if digest != new.digest:
            message = (
                f"the digest is not that of what approval {approval.id} changes now, of {new.base[:12]}; "
                f"look at 'diff' again, and approve with the digest {new.digest}"
            )
            raise Refused(message)
        return new.base

    async def former(self, agent: str, ref: str | None) -> tuple[str, str]:
        """The commit that a rollback goes to, what `ref` names or what was deployed before; and what runs now.

        Raises Refused, RepositoryError or BadConfig.
        """
        known = await self._configurations.deployed(agent)
        if ref is not None:
            commit = await self._repositories.find(agent, ref)
        else:
            deployed = await self._repositories.history(agent, "deployed")
            failed = {event.tag.partition("/")[2] for event in await self._repositories.history(agent, "failed")}
            whole = [event for event in deployed if event.tag.partition("/")[2] not in failed]
            before = [event.sha for event in whole if event.sha != known.commit]
            if not before:
                message = f"nothing else than {known.commit[:12]} was ever deployed of '{agent}'"
                raise Refused(message)
            commit = before[0]
        if commit == known.commit:
            message = f"{commit[:12]} is what is deployed of '{agent}'"
            raise Refused(message)
        await self._configurations.check(agent, commit)
        return commit, known.commit

    async def tell(self, *ids: int) -> None:
        """Keep in the repositories what became of those approvals, or of all of which they lack it.

        What can't be kept now is logged, and tried again with the others.
        """
        async with self._telling:
            try:
                for id_ in ids or tuple(await self._broker.database.perform(table.untold)):
                    await self._tell(id_)
            except HiveError as error:
                _log.error("what became of commits could not be tagged: {error}", error=error)

    def tell_soon(self) -> None:
        """As `tell`, of all, waited for by nobody; whoever stops waits for it by `tell`."""
        Deferred.fromCoroutine(self.tell()).addErrback(
            lambda reason: _log.failure("what became of commits could not be tagged", failure=reason)
        )

    async def _tell(self, id_: int) -> None:
        approval = await self._broker.database.perform(partial(table.one, id_=id_))
        try:
            await self._tag(approval)
        except HiveError as error:
            _log.error(
                "approval {id} is not tagged in the repository of {name}: {error}",
                id=id_,
                name=approval.agent,
                error=error,
            )
        else:
            await self._broker.database.perform(partial(table.is_told, approval=approval))

    async def _tag(self, approval: Approval) -> None:
        known = await self._broker.database.perform(self._configurations.reading(approval.agent))
        if known is None or approval.sha is None:
            return  # its repositories were purged
        tag = partial(self._repositories.tag, approval.agent)
        await tag(f"proposal/{approval.id}", approval.sha, approval.description or "without a description")
        if approval.status in (ApprovalStatus.DENIED, ApprovalStatus.CANCELLED):
            text = f"by {approval.decided_by}" + (f"\n\n{approval.note}" if approval.note else "")
            await tag(f"{approval.status.value}/{approval.id}", approval.sha, text)
        elif approval.status is ApprovalStatus.FAILED and approval.operation is not None:
            await tag(f"failed/{approval.id}", approval.sha, approval.note or "nobody knows why")

    async def _base(self, approval: Approval, against: str | None) -> str:
        """The commit that another is compared with."""
        if against is None and not is_undecided(approval) and approval.base is not None:
            return approval.base
        if against in (None, RUNNING):
            return (await self._configurations.deployed(approval.agent)).commit
        step = "approved" if against == LAST_APPROVED else "proposal"
        events = await self._repositories.history(approval.agent, step)
        others = [(int(event.tag.partition("/")[2]), event.sha) for event in events]
        if against == PREVIOUS:
            others = sorted((one for one in others if one[0] < approval.id), reverse=True)
        commits = [commit for number, commit in others if number != approval.id]
        if not commits:
            message = f"there is nothing with the tag '{step}/…' to compare approval {approval.id} with"
            raise Refused(message)
        return commits[0]

    async def _base_of(self, name: str) -> str:
        """What the agent is made from; one from before configurations gets its first now. Raises UnknownAgent."""
        known = await self._configurations.find(name)
        return await self._configurations.make(name) if known is None else known.commit


def check_unchanged(connection: Connection, approval: Approval, base: str) -> None:
    """Raises Refused if what the agent is made from is, or is about to be, another commit than `base`."""
    under_way = operations.deploying(connection, approval.agent)
    if under_way is not None:
        message = f"a deploy on '{approval.agent}' is under way (operation {under_way}); decide when it has ended"
        raise Refused(message)
    known = configs.found(connection, approval.agent)
    if known is None or known.commit != base:
        message = f"'{approval.agent}' is made from another commit since; look at 'diff' again"
        raise Refused(message)


def _digest(base: str, commit: str, diff: str) -> str:
    return hashlib.sha256(f"{base}\0{commit}\0{diff}".encode()).hexdigest()
