"""What an agent's socket answers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, assert_never

from attrs import define, field
from twisted.internet.defer import Deferred

from hyperhive.protocols.agent_turns import TurnDesk
from hyperhive.protocols.mailbox import Mailbox
from hyperhive.services.broker import Broker
from hyperhive.services.harnesses import Harnesses
from hyperhive.services.leases import Leases
from hyperhive.services.questions import Questions
from hyperhive.services.reminders import Reminders
from hyperhive.services.roster import Roster
from hyperhive.services.turns import Turns
from hyperhive.wire import agent_requests as ask
from hyperhive.wire import responses
from hyperhive.wire import turn_requests as turns
from hyperhive.wire.names import MANAGER


@define(eq=False, kw_only=True)
class AgentDesk:
    """Answers one connection of the agent `name`, who is known by the socket alone.

    `speak` is called at each request: the agent has shown that it lives.
    """

    broker: Broker
    leases: Leases
    turns: Turns
    harnesses: Harnesses
    questions: Questions
    reminders: Reminders
    roster: Roster
    hive: str
    name: str
    look: Callable[[], None]
    speak: Callable[[], None]
    _mailbox: Mailbox = field(init=False)
    _turn_desk: TurnDesk = field(init=False)

    def __attrs_post_init__(self) -> None:
        self._mailbox = Mailbox(self.broker, self.leases, self.turns, self.name, self.look)
        self._turn_desk = TurnDesk(self.turns, self.harnesses, self.leases, self.name, self.look)

    def answer(self, request: ask.AgentRequest) -> Any:
        """The answer to any agent's request."""
        self.speak()
        match request:
            case ask.Send() | ask.Recv() | ask.AckTurn() | ask.RequeueInflight() | ask.Renew():
                return self._answer_mail(request)
            case ask.AskOperator() | ask.Ask() | ask.Answer():
                return self._answer_questions(request)
            case ask.Status():
                return self.broker.unread(self.name).addCallback(responses.Status)
            case ask.Recent(limit=limit):
                return self.broker.recent(self.name, limit).addCallback(responses.Recent)
            case ask.OperatorMsg():
                return self._mailbox.operator_msg(request)
            case ask.Remind():
                return self._remind(request)
            case ask.Receipt(id=id_):
                return self.broker.receipt(self.name, id_)
            case ask.Whoami():
                return self.roster.generation(self.name).addCallback(self._identity)
            case ask.SetStatus(text=text):
                return self._set_status(text)
            case ask.GetOpenThreads():
                return self.roster.open_threads(self.name).addCallback(responses.OpenThreads)
            case turns.BeginTurn() | turns.TurnEvents() | turns.EndTurn() | turns.Report() | turns.Orders():
                return self._turn_desk.answer(request)
            case _:
                assert_never(request)

    def hurry(self) -> None:
        """Whatever waits is answered with what there is."""
        self._mailbox.hurry()
        self._turn_desk.hurry()

    def left(self) -> None:
        """Whatever waits is given up."""
        self._mailbox.left()
        self._turn_desk.left()

    def _answer_mail(
        self, request: ask.Send | ask.Recv | ask.AckTurn | ask.RequeueInflight | ask.Renew
    ) -> Any:  # fmt: skip
        self.leases.alive(self.name)
        match request:
            case ask.Send():
                return self._mailbox.send(request)
            case ask.Recv():
                return self._mailbox.recv(request)
            case ask.AckTurn(ids=ids):
                return self.leases.acknowledge(self.name, ids).addCallback(_counted)
            case ask.RequeueInflight(ids=ids, spent=spent):
                return self.leases.requeue(self.name, ids, spent=spent is not False).addCallback(_counted)
            case ask.Renew():
                return self._renewed()

    async def _renewed(self) -> responses.Ok:
        await self.turns.goes_on(self.name)
        return _counted(self.leases.alive(self.name))

    def _answer_questions(self, request: ask.AskOperator | ask.Ask | ask.Answer) -> Any:
        self.leases.alive(self.name)
        match request:
            case ask.AskOperator() | ask.Ask():
                to = request.to if isinstance(request, ask.Ask) else None
                queued: Deferred[int] = self.questions.ask(
                    self.name, to, request.question, request.options, request.ttl_seconds, multi=request.multi
                )
                return queued.addCallback(responses.QuestionQueued)
            case ask.Answer():
                return self._give_answer(request)

    async def _give_answer(self, request: ask.Answer) -> responses.Ok:
        await self.questions.answer(request.id, self.name, request.answer, request.choices, request.text)
        return responses.Ok()

    def _remind(self, request: ask.Remind) -> Deferred[responses.Ok]:
        self.leases.alive(self.name)
        kept = self.reminders.remind(self.name, request.message, request.delay_seconds, request.at)
        return kept.addCallback(responses.Ok)

    async def _set_status(self, text: str) -> responses.Ok:
        self.leases.alive(self.name)
        await self.roster.set_status_text(self.name, text)
        return responses.Ok()

    def _identity(self, generation: int) -> responses.Identity:
        role = "manager" if self.name == MANAGER else "agent"
        return responses.Identity(self.name, role, self.hive, generation)


def _counted(count: int) -> responses.Ok:
    return responses.Ok(count=count)
