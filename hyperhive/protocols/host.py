"""What the host's socket answers: the operator's verbs."""

from __future__ import annotations

from collections.abc import Coroutine, Sequence
from typing import Any, assert_never

from attrs import define
from twisted.internet.defer import Deferred

from hyperhive.errors import OperationFailed
from hyperhive.protocols.answers import Following
from hyperhive.protocols.followers import follow_agents, follow_all
from hyperhive.protocols.host_configs import show_diff, show_files, show_history
from hyperhive.protocols.host_console import HostConsoleDesk
from hyperhive.protocols.host_threads import answer_threads
from hyperhive.protocols.host_turns import HostTurnDesk
from hyperhive.services.approvals import Approvals
from hyperhive.services.broker import Broker
from hyperhive.services.changes import Changes
from hyperhive.services.configurations import Configurations
from hyperhive.services.lifecycle import Lifecycle
from hyperhive.services.questions import Questions
from hyperhive.services.roster import Roster
from hyperhive.store.mail import Post
from hyperhive.wire import agent_requests, manager_requests
from hyperhive.wire import host_requests as ask
from hyperhive.wire import host_turn_requests as turns
from hyperhive.wire.names import EVERYONE, OPERATOR
from hyperhive.wire.records import MessageRow, Operation, Urls
from hyperhive.wire.responses import HostResponse
from hyperhive.wire.states import OperationKind


@define(eq=False, kw_only=True)
class HostDesk:
    """Answers one connection of the operator."""

    broker: Broker
    approvals: Approvals
    configurations: Configurations
    questions: Questions
    lifecycle: Lifecycle
    roster: Roster
    changes: Changes
    urls: Urls
    turns: HostTurnDesk
    console: HostConsoleDesk

    def hurry(self) -> None:
        """Nothing here waits for what may never come."""

    def left(self) -> None:
        """Operations go on without who asked for them."""

    def answer(self, request: ask.HostRequest) -> Any:
        """The answer to any of the operator's requests."""
        match request:
            case ask.Subscribe(since=since):
                start = self.changes.feed.seq if since is None else since
                ack = HostResponse(ok=True, seq=self.changes.feed.seq)
                return Following(ack, lambda stream: follow_all(stream, self.changes, start))
            case ask.SubscribeAgentStatus():
                return Following(HostResponse(ok=True), lambda stream: follow_agents(stream, self.changes))
            case ask.Spawn() | ask.Destroy() | ask.Rebuild() | ask.Start() | ask.Stop() | ask.Restart():
                return self._answer_lifecycle(request)
            case manager_requests.Kill(name=name, wait=wait):
                return self._operate([name], OperationKind.STOP, wait=wait)
            case ask.Send() | ask.Inbox() | ask.Messages() | ask.DeadLetters() | ask.Requeue():
                return self._answer_mail(request)
            case ask.Pending() | ask.Approve() | ask.Deny() | ask.Diff() | manager_requests.RequestSpawn():
                return self._answer_approvals(request)
            case ask.ConfigLog() | ask.ConfigShow() | ask.Rollback():
                return self._answer_configurations(request)
            case ask.Questions() | ask.CancelQuestion() | agent_requests.Answer():
                return self._answer_questions(request)
            case turns.Turns() | turns.TurnLog() | turns.CancelTurn() | turns.Compact() | turns.NewSession():
                return self.turns.answer(request)
            case turns.SetModel() | turns.Login():
                return self.turns.answer(request)
            case ask.ConsoleLink() | ask.Sessions() | ask.Revoke():
                return self.console.answer(request)
            case turns.Held() | turns.Release():
                return answer_threads(self.broker, request)
            case _:
                return self._answer_roster(request)

    def _answer_lifecycle(
        self, request: ask.Spawn | ask.Destroy | ask.Rebuild | ask.Start | ask.Stop | ask.Restart
    ) -> Coroutine[Any, Any, HostResponse]:
        match request:
            case ask.Spawn(name=name, wait=wait):
                return self._operate([name], OperationKind.SPAWN, wait=wait)
            case ask.Destroy(name=name, purge=purge, wait=wait):
                return self._operate([name], OperationKind.DESTROY, wait=wait, flag=purge)
            case ask.Rebuild(name=name, wait=wait):
                return self._operate([name], OperationKind.REBUILD, wait=wait)
            case ask.Start(wait=wait):
                return self._operate(request.targets, OperationKind.START, wait=wait)
            case ask.Stop(graceful=graceful, wait=wait):
                return self._operate(request.targets, OperationKind.STOP, wait=wait, flag=graceful is False)
            case ask.Restart(wait=wait):
                return self._operate(request.targets, OperationKind.RESTART, wait=wait)

    def _answer_mail(
        self, request: ask.Send | ask.Inbox | ask.Messages | ask.DeadLetters | ask.Requeue
    ) -> Deferred[HostResponse]:
        match request:
            case ask.Send():
                return self._send(request)
            case ask.Inbox(limit=limit):
                return self.broker.recent(OPERATOR, limit).addCallback(lambda rows: HostResponse(ok=True, inbox=rows))
            case ask.Messages(limit=limit, agent=agent, before=before):
                return self.broker.messages(agent, limit, before).addCallback(_messages)
            case ask.DeadLetters():
                return self.broker.dead_letters().addCallback(_messages)
            case ask.Requeue(id=id_):
                return self.broker.revive(id_).addCallback(_done)

    def _answer_approvals(
        self, request: ask.Pending | ask.Approve | ask.Deny | ask.Diff | manager_requests.RequestSpawn
    ) -> Any:
        match request:
            case ask.Pending(all=True):
                return self.approvals.every().addCallback(lambda rows: HostResponse(ok=True, approvals=rows))
            case ask.Pending():
                return self.approvals.pending().addCallback(
                    lambda found: HostResponse(ok=True, approvals=found[0], more=found[1])
                )
            case ask.Approve(id=id_, digest=digest):
                return self._approve(id_, digest)
            case ask.Diff(id=id_, against=against):
                return show_diff(self.approvals, id_, against)
            case ask.Deny(id=id_, note=note):
                return _after(self.approvals.deny(id_, note, OPERATOR))
            case manager_requests.RequestSpawn(name=name, description=description):
                return self.approvals.request_spawn(name, description, OPERATOR).addCallback(_with_id)

    def _answer_configurations(
        self, request: ask.ConfigLog | ask.ConfigShow | ask.Rollback
    ) -> Coroutine[Any, Any, HostResponse]:
        match request:
            case ask.ConfigLog(name=name):
                return show_history(self.configurations, name)
            case ask.ConfigShow(name=name, ref=ref):
                return show_files(self.configurations, name, ref)
            case ask.Rollback(name=name, ref=ref, wait=wait):
                return self._roll_back(name, ref, wait=wait)

    def _answer_questions(self, request: ask.Questions | ask.CancelQuestion | agent_requests.Answer) -> Any:
        match request:
            case ask.Questions(all=closed):
                return self.questions.listed(closed=closed is True).addCallback(
                    lambda found: HostResponse(ok=True, questions=found[0], more=found[1] or None)
                )
            case ask.CancelQuestion(id=id_):
                return _after(self.questions.cancel(id_, OPERATOR))
            case agent_requests.Answer(id=id_, answer=answer, choices=choices, text=text):
                return _after(self.questions.answer(id_, OPERATOR, answer, choices, text))

    def _answer_roster(
        self,
        request: manager_requests.List | ask.AgentStatus | ask.SetPaused | ask.Operations | ask.Logs | ask.Urls,
    ) -> Any:
        match request:
            case manager_requests.List():
                return self.roster.names().addCallback(lambda names: HostResponse(ok=True, agents=names))
            case ask.AgentStatus():
                return self._statuses()
            case ask.SetPaused(name=name, paused=paused):
                return _after(self.roster.set_paused(name, paused=paused))
            case ask.Operations(all=ended):
                return self.lifecycle.listed(ended=ended is True).addCallback(
                    lambda rows: HostResponse(ok=True, operations=rows)
                )
            case ask.Logs(name=name, lines=lines):
                return self._log(name, lines)
            case ask.Urls():
                return HostResponse(ok=True, urls=self.urls)
            case _:
                assert_never(request)

    def _send(self, request: ask.Send) -> Deferred[HostResponse]:
        post = Post(
            sender=OPERATOR,
            to=request.to,
            body=request.body,
            at=self.broker.now(),
            in_reply_to=request.in_reply_to,
        )
        if request.to == EVERYONE:
            return self.broker.send(post).addCallback(lambda ids: HostResponse(ok=True, ids=tuple(ids)))
        return self.broker.send(post).addCallback(lambda ids: HostResponse(ok=True, id=ids[0]))

    async def _operate(
        self, names: Sequence[str], kind: OperationKind, *, wait: bool | None, flag: bool = False
    ) -> HostResponse:
        if len(names) > 1:
            await self.roster.must_know(names)
        ids = [await self.lifecycle.request(name, kind, OPERATOR, flag=flag) for name in names]
        if wait is False:
            return HostResponse(ok=True, operation=ids[0], operations=await self._rows(ids))
        faults = [fault for fault in [await self._fault(id_) for id_ in ids] if fault is not None]
        return HostResponse(ok=not faults, error="; ".join(faults) or None, operation=ids[0])

    async def _rows(self, ids: Sequence[int]) -> tuple[Operation, ...] | None:
        return await self.lifecycle.rows(ids) if len(ids) > 1 else None

    async def _fault(self, operation: int) -> str | None:
        try:
            await self.lifecycle.ended(operation)
        except OperationFailed as failed:
            return str(failed)
        return None

    async def _approve(self, id_: int, digest: str | None) -> HostResponse:
        return HostResponse(ok=True, operation=await self.approvals.approve(id_, OPERATOR, digest))

    async def _roll_back(self, name: str, ref: str | None, *, wait: bool | None) -> HostResponse:
        operation = await self.approvals.roll_back(name, ref, OPERATOR)
        fault = None if wait is False else await self._fault(operation)
        return HostResponse(ok=fault is None, error=fault, operation=operation)

    async def _statuses(self) -> HostResponse:
        statuses = await self.roster.statuses()
        return HostResponse(ok=True, agent_statuses=statuses, backend=self.roster.backend, console=self.console.where())

    async def _log(self, name: str, lines: int) -> HostResponse:
        return HostResponse(ok=True, log=await self.roster.log(name, lines))


async def _after(work: Coroutine[Any, Any, None]) -> HostResponse:
    await work
    return HostResponse(ok=True)


def _messages(rows: tuple[MessageRow, ...]) -> HostResponse:
    return HostResponse(ok=True, messages=rows)


def _with_id(id_: int) -> HostResponse:
    return HostResponse(ok=True, id=id_)


def _done(_: object) -> HostResponse:
    return HostResponse(ok=True)
