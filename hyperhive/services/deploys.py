"""Deploying a commit: what was approved runs, and is seen to be well, or what ran before is put back.

Until the tag `deployed/<id>` stands, whatever goes wrong is undone; from then on there is no way back, and what is
still to be done is done again. Every step can be done twice to the same effect: what a killed daemon leaves is told by
that tag, by the start that was counted for the operation, and by the note on it that it is being undone.
"""

from __future__ import annotations

from functools import partial
from typing import Final, NoReturn

from attrs import define, evolve
from twisted.logger import Logger

from hyperhive.boundaries import IContainers, IRepositories, Plan
from hyperhive.errors import DatabaseTrouble, HiveError, OperationFailed, RepositoryError
from hyperhive.services.broker import Broker
from hyperhive.services.endings import Begun, Ended, Work
from hyperhive.services.launches import Launches
from hyperhive.services.writing import Interrupted, Writing
from hyperhive.store import approvals, operations
from hyperhive.wire.records import Approval

_log = Logger()

LOG_LINES: Final = 40
"""How much of a failed agent's log its tag keeps."""
INTERNAL: Final = "an internal error; the daemon's log has it"


@define(eq=False)
class Deploys:
    """Carries out deploys, each within its operation."""

    _broker: Broker
    _containers: IContainers
    _repositories: IRepositories
    _launches: Launches
    _writing: Writing

    async def carry_out(self, work: Work, begun: Begun, ended: Ended) -> None:
        """Deploy the commit of the approval whose action this is.

        Raises OperationFailed where that was undone, saying whether what ran before runs again; and Interrupted.
        """
        reading = partial(approvals.of_operation, operation=work.operation.id)
        (approval,) = await self._writing.write(reading, f"what operation {work.operation.id} is to deploy")
        if work.undoing is not None:
            await self._put_back(work, begun, ended, approval, work.undoing)
        try:
            plan = await self._reach(work, begun, ended, approval)
        except Interrupted:
            raise
        except Exception as error:  # noqa: BLE001 - whatever it was, what is not seen to be well does not stay
            await self._undo(work, begun, ended, approval, self._reason(work, error))
        await self._conclude(work.agent, approval, plan, ended)

    async def _reach(self, work: Work, begun: Begun, ended: Ended, approval: Approval) -> Plan:
        """Have the commit run, see that it is well, and tag that; how it was started."""
        name, commit, operation = work.agent, _commit(approval), f"operation {work.operation.id}"
        tag = partial(self._repositories.tag, name)
        await tag(f"approved/{approval.id}", commit, f"by {approval.decided_by or 'nobody'}")
        await tag(f"building/{approval.id}", commit, operation)
        plan = await self._launches.configurations.plan(name, commit)
        if await self._is_deployed(name, approval):
            await self._start_again(work, begun, ended, plan)
            return plan
        await self._launches.configurations.check_sharing(name, plan.config)
        await self._containers.prepare(name, plan)
        if begun.starts:
            if work.start is None:
                await self._launches.stop(work, ended)
            start = await self._launches.start(work, ended, plan)
            await self._launches.becomes_healthy(name, start, plan.config.health)
        await tag(f"deployed/{approval.id}", commit, operation)
        return plan

    async def _conclude(self, name: str, approval: Approval, plan: Plan, ended: Ended) -> None:
        """It is deployed: let everything else follow."""
        commit = _commit(approval)
        self._broker.obey(name, plan.config.mail)
        ended.deployed, ended.config = commit, plan.config
        _log.info("{name} is made from {commit} (approval {id})", name=name, commit=commit[:12], id=approval.id)
        try:
            await self._repositories.move(name, commit)
        except HiveError as error:  # it follows at the agent's next start
            _log.error("main of {name} does not follow yet: {error}", name=name, error=error)

    async def _is_deployed(self, name: str, approval: Approval) -> bool:
        """Whether an earlier daemon had seen that all is well, and only has not said so."""
        try:
            return await self._repositories.find(name, f"deployed/{approval.id}") == approval.sha
        except RepositoryError:
            return False

    async def _start_again(self, work: Work, begun: Begun, ended: Ended, plan: Plan) -> None:
        """Have the agent up that an earlier daemon had seen to be well: the host may have been started anew since."""
        try:
            if begun.starts:
                await self._launches.start(work, ended, plan)
        except HiveError as error:  # it will be told as a crash, which it is
            _log.error("{name}, which was deployed, can't be started: {error}", name=work.agent, error=error)

    async def _undo(self, work: Work, begun: Begun, ended: Ended, approval: Approval, why: str) -> NoReturn:
        change = partial(operations.undo, id_=work.operation.id, why=why)
        try:
            await self._broker.database.perform(change)
        except DatabaseTrouble:
            await self._end(work, ended)  # what fills the disk must not go on until there is room
            await self._writing.write(change, f"that operation {work.operation.id} is undone")
        touched = work.resumed or ended.left or ended.start is not None
        begun = begun if touched else evolve(begun, starts=False)
        await self._put_back(evolve(work, start=None), begun, ended, approval, why)

    async def _end(self, work: Work, ended: Ended) -> None:
        try:
            if ended.start is not None:
                await self._containers.stop(work.agent, graceful=False)
        except HiveError as error:
            _log.error("{name}, which is to be undone, can't be stopped: {error}", name=work.agent, error=error)

    async def _put_back(self, work: Work, begun: Begun, ended: Ended, approval: Approval, why: str) -> NoReturn:
        """Start what ran before, where it was stopped. Raises OperationFailed in any case, with `why`."""
        await self._tag_failure(work.agent, approval, why)
        reading = self._launches.configurations.reading(work.agent)
        known = await self._writing.write(reading, f"what {work.agent} is to be put back to")
        assert known is not None  # or nothing could have been asked for
        before, outcome = known.commit[:12], f"{known.commit[:12]} is deployed as before"
        if begun.starts:
            try:
                if work.start is None:
                    await self._launches.stop(work, ended, graceful=False)
                    ended.start = None
                plan = await self._launches.configurations.plan(work.agent, known.commit)
                await self._launches.start(work, ended, plan)
                ended.runs, outcome = True, f"{before} runs again"
            except Interrupted:
                raise
            except Exception as error:  # noqa: BLE001 - it is what is told of the outcome
                reason = self._reason(work, error)
                outcome = f"and {before}, which ran before, could not be started again: {reason}"
        raise OperationFailed(f"{why}; {outcome}")

    async def _tag_failure(self, name: str, approval: Approval, why: str) -> None:
        """Keep why it failed, and the last that the agent said, in the repository."""
        try:
            log = "\n".join(await self._containers.log(name, LOG_LINES))
        except HiveError as error:
            log = f"(its log can't be read: {error})"
        try:
            await self._repositories.tag(name, f"failed/{approval.id}", _commit(approval), f"{why}\n\n{log}")
        except HiveError as error:  # that it failed is tagged later, then without the log
            _log.error("{name}: that a deploy failed is not tagged: {error}", name=name, error=error)

    def _reason(self, work: Work, error: Exception) -> str:
        if isinstance(error, HiveError):
            return str(error)
        _log.failure("operation {id} on {name} broke", id=work.operation.id, name=work.agent)
        return INTERNAL


def _commit(approval: Approval) -> str:
    assert approval.sha is not None  # or it would not have been approved
    return approval.sha
