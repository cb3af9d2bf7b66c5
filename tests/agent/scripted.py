"""A daemon and a runner that do what the test says, for a loop on a clock that the test turns."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from attrs import define, evolve, field
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from zope.interface import implementer
from zope.interface.verify import verifyClass

from hyperhive.agent.login_watch import LoginWatch
from hyperhive.agent.loop import Loop
from hyperhive.agent.prompting import Prompts
from hyperhive.agent.runner import Cancelled, IRunner, Prompt, Result
from hyperhive.agent.setbacks import Setbacks
from hyperhive.agent.working import Working
from hyperhive.client import Refused
from hyperhive.wire import agent_requests, responses, turn_requests
from hyperhive.wire.records import Letter, OpenThread
from hyperhive.wire.states import OrderKind, TurnOutcome
from hyperhive.wire.turns import Order, Usage

Kind = TypeVar("Kind")
NOW = 1_700_000_000
STAGGER = 7.0
Step = Result | Usage | Exception | Deferred[Any]


@define(eq=False)
class ScriptedDaemon:
    """Holds mail for one agent; what is in `refusals` is refused. While `away` nothing is answered."""

    asked: list[Any] = field(factory=list)
    mail: deque[Letter] = field(factory=deque)
    threads: tuple[OpenThread, ...] = ()
    refusals: dict[type[Any], str] = field(factory=dict)
    answers: dict[type[Any], Any] = field(factory=dict)
    away: bool = False
    _turns: dict[int, tuple[Letter, ...]] = field(factory=dict)
    _in_hand: dict[int, Letter] = field(factory=dict)
    _parked: list[Deferred[Any]] = field(factory=list)
    _listening: list[Deferred[Any]] = field(factory=list)
    _held_up: list[tuple[Any, Deferred[Any]]] = field(factory=list)

    async def ask(self, request: Any) -> Any:
        """The answer to a request, or what it is refused with."""
        if self.away:
            back: Deferred[None] = Deferred()
            self._held_up.append((request, back))
            await back
        self.asked.append(request)
        if type(request) in self.refusals:
            raise Refused(self.refusals[type(request)])
        answer = self.answers[type(request)] if type(request) in self.answers else self._answer(request)
        return await answer if isinstance(answer, Deferred) else answer

    def come_back(self) -> None:
        """Be there again, and answer what was asked meanwhile."""
        self.away = False
        held_up, self._held_up = self._held_up, []
        for _, back in held_up:
            if not back.called:
                back.callback(None)

    def deliver(self, sender: str, body: str, number: int, in_reply_to: int | None = None) -> None:
        """A message comes."""
        self.mail.append(
            Letter(id=number, sender=sender, body=body, at=NOW, redelivered=False, in_reply_to=in_reply_to)
        )
        if self.waits_for_mail():
            self._parked.pop().callback(self._take())

    def order(self, kind: OrderKind, **facts: Any) -> None:
        """The operator wants something."""
        self._listening.pop().callback(responses.Orders((Order(order=kind, **facts),)))

    def waits_for_mail(self) -> bool:
        """Whether somebody is parked for mail."""
        self._parked = [parked for parked in self._parked if not parked.called]
        return bool(self._parked)

    def is_listened_to(self) -> bool:
        """Whether somebody is parked for orders."""
        self._listening = [parked for parked in self._listening if not parked.called]
        return bool(self._listening)

    def of(self, kind: type[Kind]) -> list[Kind]:
        """What was asked of that kind."""
        return [request for request in self.asked if isinstance(request, kind)]

    @property
    def ends(self) -> list[tuple[TurnOutcome, bool | None, str | None]]:
        """How every turn ended: the outcome, whether an attempt was spent, and why."""
        return [(end.outcome, end.spent, end.error) for end in self.of(turn_requests.EndTurn)]

    def stands(self) -> tuple[str, int | None, str | None]:
        """What the loop said last of itself: the state, until when, and why."""
        said = self.of(turn_requests.Report)[-1]
        return said.state.value, said.until, said.note

    def _answer(self, request: Any) -> Any:
        match request:
            case agent_requests.Recv():
                return self._take() if self.mail else self._park(self._parked)
            case turn_requests.Orders():
                return self._park(self._listening)
            case turn_requests.BeginTurn():
                number = len(self._turns) + 1
                self._turns[number] = tuple(self._in_hand[id_] for id_ in request.ids)
                return responses.Ok(number)
            case turn_requests.EndTurn():
                if request.outcome is not TurnOutcome.DONE and request.turn in self._turns:
                    back = [evolve(letter, redelivered=True) for letter in self._turns[request.turn]]
                    self.mail.extendleft(reversed(back))
                return responses.Ok()
            case agent_requests.Status():
                return responses.Status(len(self.mail))
            case agent_requests.GetOpenThreads():
                return responses.OpenThreads(self.threads)
            case agent_requests.Send():
                return responses.Ok(99, kept=True)
            case _:
                return responses.Ok()

    def _take(self) -> responses.Messages:
        letter = self.mail.popleft()
        self._in_hand[letter.id] = letter
        return responses.Messages((letter,))

    def _park(self, where: list[Deferred[Any]]) -> Deferred[Any]:
        parked: Deferred[Any] = Deferred()
        where.append(parked)
        return parked


@implementer(IRunner)
class ScriptedRunner:
    """Does one step of `script` for every turn or compaction, and a plain good one when that is empty.

    Where it `waits` it does none, until whoever holds `under_way` says how that ends.
    """

    kind = "scripted"
    model: str | None = "m-0"

    def __init__(self) -> None:
        self.script: deque[Step] = deque()
        self.done: list[str] = []
        self.prompts: list[Prompt] = []
        self.hear: Callable[[str], None] = print
        self.tokens: list[str | None] = []
        self.obeys = True
        self.closed = False
        self.closing: Deferred[None] | None = None
        self.waits = False
        self.cancels = 0
        self.under_way: Deferred[Any] | None = None

    async def turn(self, prompt: Prompt, hear: Callable[[str], None]) -> Result:
        self.done.append("turn")
        self.prompts.append(prompt)
        self.hear = hear
        result: Result = await self._step(Result())
        return result

    async def compact(self, hear: Callable[[str], None]) -> Usage:
        self.done.append("compact")
        usage: Usage = await self._step(Usage())
        return usage

    def cancel(self) -> None:
        self.cancels += 1
        if self.obeys and self.under_way is not None:
            self.under_way.errback(Cancelled("somebody cancelled it", Usage(output_tokens=5)))

    def use_model(self, model: str | None) -> None:
        self.done.append(f"model {model}")

    def renew_session(self) -> None:
        self.done.append("new session")

    def use_token(self, token: str | None) -> None:
        self.tokens.append(token)

    async def close(self) -> None:
        self.closed = True
        if self.closing is not None:
            await self.closing

    async def _step(self, plain: Any) -> Any:
        assert self.under_way is None
        step = Deferred() if self.waits else self.script.popleft() if self.script else plain
        if isinstance(step, Exception):
            raise step
        if not isinstance(step, Deferred):
            return step
        self.under_way = step
        try:
            return await step
        finally:
            self.under_way = None


verifyClass(IRunner, ScriptedRunner)


@define(eq=False)
class Bench:
    """A loop over both, which has begun."""

    credentials: Path
    clock: Clock = field(factory=Clock)
    daemon: ScriptedDaemon = field(factory=ScriptedDaemon)
    runner: ScriptedRunner = field(factory=ScriptedRunner)
    loop: Loop = field(init=False)
    over: Deferred[None] = field(init=False)

    def __attrs_post_init__(self) -> None:
        self.clock.advance(NOW)
        prompts = Prompts(places={"HIVE_STATE_DIR": "/notes"}, word=lambda: "WORD")
        self.loop = Loop(
            self.clock,
            self.daemon,
            self.daemon,
            self.runner,
            Working(self.daemon, self.runner, prompts),
            setbacks=Setbacks(self.clock, lambda: STAGGER),
            login=LoginWatch(self.clock, self.credentials),
            context_tokens=1000,
        )

    def start(self) -> None:
        """Let the loop begin."""
        self.over = Deferred.fromCoroutine(self.loop.serve())

    def turn(self, *steps: Step, number: int = 1, sender: str = "bob") -> None:
        """A message comes, to which the runner does that."""
        self.runner.script.extend(steps)
        self.daemon.deliver(sender, "hello", number)

    def pause(self) -> float:
        """How long the loop waits; then it has waited."""
        (seconds,) = {call.getTime() - self.clock.seconds() for call in self.clock.getDelayedCalls()}
        self.clock.advance(seconds)
        return float(seconds)
