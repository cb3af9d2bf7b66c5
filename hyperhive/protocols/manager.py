"""What the manager's socket answers: all that an agent's does, and the manager's own verbs."""

from __future__ import annotations

from typing import Any

from attrs import define

from hyperhive.errors import Refused
from hyperhive.protocols.agent import AgentDesk
from hyperhive.services.approvals import Approvals
from hyperhive.services.lifecycle import Lifecycle
from hyperhive.wire import manager_requests as ask
from hyperhive.wire import responses
from hyperhive.wire.names import MANAGER
from hyperhive.wire.states import OperationKind


@define(eq=False, kw_only=True)
class ManagerDesk:
    """Answers one connection of the manager."""

    agent: AgentDesk
    approvals: Approvals
    lifecycle: Lifecycle

    def answer(self, request: ask.ManagerRequest) -> Any:
        """The answer to any of the manager's requests."""
        self.agent.speak()
        match request:
            case ask.RequestSpawn(name=name, description=description):
                return self.approvals.request_spawn(name, description, MANAGER).addCallback(_with_id)
            case ask.RequestApplyCommit(agent=agent, commit_ref=ref, description=description):
                return self._request_commit(agent, ref, description)
            case ask.RequestInitConfig(name=name, description=description):
                return self.approvals.request_init_config(name, description, MANAGER).addCallback(_with_id)
            case ask.CancelApproval(id=id_):
                return self._cancel(id_)
            case ask.Kill(name=name, wait=wait):
                return self._operate(name, OperationKind.STOP, wait=wait)
            case ask.Start(name=name, wait=wait):
                return self._operate(name, OperationKind.START, wait=wait)
            case ask.Restart(name=name, wait=wait):
                return self._operate(name, OperationKind.RESTART, wait=wait)
            case ask.Update(name=name, wait=wait):
                return self._operate(name, OperationKind.REBUILD, wait=wait)
            case ask.List():
                return self.agent.roster.names().addCallback(responses.List)
            case ask.GetLogs(agent=agent, lines=lines):
                return self._log(agent, lines)
            case _:
                return self.agent.answer(request)

    def hurry(self) -> None:
        """Whatever waits is answered with what there is."""
        self.agent.hurry()

    def left(self) -> None:
        """Whatever waits is given up."""
        self.agent.left()

    async def _operate(self, name: str, kind: OperationKind, *, wait: bool | None) -> responses.Ok:
        if name == MANAGER:
            message = f"the manager can't {kind.value} itself; ask the operator to"
            raise Refused(message)
        operation = await self.lifecycle.request(name, kind, MANAGER)
        if wait is False:
            return responses.Ok(operation=operation)
        await self.lifecycle.ended(operation)
        return responses.Ok()

    async def _request_commit(self, agent: str, ref: str, description: str | None) -> responses.Ok:
        return responses.Ok(id=await self.approvals.request_commit(agent, ref, description, MANAGER))

    async def _cancel(self, id_: int) -> responses.Ok:
        await self.approvals.cancel(id_, MANAGER)
        return responses.Ok()

    async def _log(self, agent: str, lines: int) -> responses.Logs:
        return responses.Logs(await self.agent.roster.log(agent, lines))


def _with_id(id_: int) -> responses.Ok:
    return responses.Ok(id=id_)
