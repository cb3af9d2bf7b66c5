"""The agent's day: wait for mail, do a turn for it, see what its end means, next."""

from __future__ import annotations

from typing import Any, ClassVar, Final

from twisted.internet.defer import CancelledError, Deferred, succeed
from twisted.internet.defer import TimeoutError as TookTooLong
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import deferLater
from twisted.logger import Logger

from hyperhive.agent.asking import IAsk
from hyperhive.agent.login_watch import LoginWatch
from hyperhive.agent.orders import Orders
from hyperhive.agent.runner import GRACE, IRunner
from hyperhive.agent.setbacks import Rest, Setbacks
from hyperhive.agent.standing import Standing
from hyperhive.agent.turn import Ending, Turns, Work
from hyperhive.agent.working import Working
from hyperhive.client import Refused, WireError, expected
from hyperhive.errors import NOTHING_CHANGED
from hyperhive.limits import LONGEST_BATCH_WAIT
from hyperhive.wire.agent_requests import Recv
from hyperhive.wire.records import Letter
from hyperhive.wire.responses import Messages
from hyperhive.wire.states import HarnessState, OrderKind, TurnOutcome
from hyperhive.wire.turns import Order

ONE = 1
"""How many messages are taken at a time: of several, those behind one that fails would overtake it."""

PATIENCE: Final = 10
"""Good turns until it is tried again to shorten a context that stayed long; each try is two requests to the model."""
MOST_UNBEGUN: Final = 3
"""How often a message about which no turn may begin is put back at no cost of an attempt."""


class Loop:
    """Takes mail and orders until it is told to stop, and has `runner` do the turns.

    `listening` is a line to the daemon of its own for orders. A good turn after which the model has more than
    `context_tokens` before it is followed by one to write notes, and the context is shortened.
    """

    _log: ClassVar[Logger] = Logger()

    def __init__(
        self,
        clock: IReactorTime,
        daemon: IAsk,
        listening: IAsk,
        runner: IRunner,
        working: Working,
        *,
        setbacks: Setbacks,
        login: LoginWatch,
        context_tokens: int,
    ) -> None:
        self._clock = clock
        self._daemon = daemon
        self._runner = runner
        self._working = working
        self._setbacks = setbacks
        self._login = login
        self._context_tokens = context_tokens
        self._turns = Turns(clock, daemon, runner)
        self._standing = Standing(daemon, runner.kind, runner.model)
        self._orders = Orders(clock, listening, self._turns.cancel, self._wake)
        self._stopping = False
        self._idle: Deferred[Any] = succeed(None)
        self._for_orders = False
        self._rest: Rest | None = None
        self._is_full = False
        self._patience = 0
        self._unbegun = (0, 0)

    async def serve(self) -> None:
        """Work until stopped; returns when what was in hand is settled and the runner closed."""
        listening = Deferred.fromCoroutine(self._orders.listen())
        listening.addErrback(lambda failure: failure.trap(CancelledError) and None)
        try:
            while not self._stopping:
                await self._step()
        finally:
            listening.cancel()
            await self._close_runner()

    def stop(self, grace: float) -> None:
        """Begin no turn any more; one that is under way has so many seconds, then it is cancelled and put back."""
        self._stopping = True
        self._turns.stop(grace)
        self._idle.cancel()

    async def _close_runner(self) -> None:
        """Let it end what runs for it, and don't wait for ever."""
        closing = Deferred.fromCoroutine(self._runner.close())
        try:
            await closing.addTimeout(GRACE, self._clock)
        except TookTooLong:
            self._log.warn("the runner did not end what runs for it in time")

    async def _step(self) -> None:
        """What comes first of: an order, the rest of a rest, room in the context, mail."""
        for order in self._orders.take():
            await self._carry_out(order)
        if self._rest is not None:
            await self._keep_rest(self._rest)
        elif self._is_full:
            self._is_full = False
            await self._tidy_up()
        else:
            await self._tell(HarnessState.READY)
            if len(self._orders):
                return
            for letter in await self._mail():
                await self._answer(letter)

    async def _mail(self) -> tuple[Letter, ...]:
        try:
            answer = await self._idly(Deferred.fromCoroutine(self._daemon.ask(Recv(LONGEST_BATCH_WAIT, ONE))))
            return () if answer is None else expected(Messages, answer).messages
        except (Refused, WireError) as error:
            self._log.error("no mail was handed out: {error}", error=error)
            self._rest = self._setbacks.failed(f"no mail was handed out: {error}")
            return ()

    async def _answer(self, letter: Letter) -> None:
        """From the message to the end of its turn."""
        ending = await self._turn(letter, lambda hear: self._working.answer(letter, hear))
        if ending.outcome is TurnOutcome.DONE:
            self._patience = max(0, self._patience - 1)
            self._is_full = self._is_long(ending) and not self._patience
            self._note(letter, self._working.said)
        else:
            self._note(letter, f"put back, as {ending.error}")

    async def _tidy_up(self) -> None:
        """A turn of the agent's own, in which it writes notes and its context is shortened."""
        ending = await self._turn(None, self._working.tidy_up)
        if ending.outcome is TurnOutcome.DONE and not self._is_long(ending):
            self._patience = 0
            self._log.info("notes were written, and the context is short enough now")
            return
        why = ending.error or f"{ending.usage.context_tokens} tokens are left of it"
        self._log.warn("the context is not short enough: {why}", why=why)
        if ending.outcome in {TurnOutcome.DONE, TurnOutcome.FAILED}:
            self._patience = PATIENCE

    def _is_long(self, ending: Ending) -> bool:
        return (ending.usage.context_tokens or 0) > self._context_tokens

    async def _turn(self, letter: Letter | None, work: Work) -> Ending:
        """A turn about that message or none, and what its end means for the next one."""
        self._login.remember()
        try:
            ending = await self._turns.do(letter, work)
        except (Refused, WireError) as error:
            ending = Ending(outcome=TurnOutcome.FAILED, spent=False, error=f"no turn could begin: {error}")
            if letter is not None:
                await self._put_back(letter, error)
        self._standing.model = ending.usage.model or self._standing.model
        self._rest = self._setbacks.rest(ending)
        return ending

    async def _put_back(self, letter: Letter, why: Refused | WireError) -> None:
        """At no cost of an attempt; but no message is handed out for ever, about which no turn may begin."""
        trouble = str(why).endswith(NOTHING_CHANGED)
        number, times = self._unbegun
        self._unbegun = letter.id, (times if number == letter.id else 0) + (not trouble)
        await self._turns.put_back(letter, spent=self._unbegun[1] > MOST_UNBEGUN)

    async def _keep_rest(self, rest: Rest) -> None:
        """Wait until it is over, or something comes between."""
        await self._tell(rest.state, rest.until, rest.note)
        if rest.over is None:
            self._log.warn("mail waits until somebody has logged in")
            over = self._login.changed()
        else:
            over = deferLater(self._clock, max(0.0, rest.over - self._clock.seconds()), lambda: True)
        if await self._idly(over):
            self._rest = None

    async def _carry_out(self, order: Order) -> None:
        self._log.info("the operator's order is carried out: {kind}", kind=order.order.value)
        match order.order:
            case OrderKind.COMPACT:
                await self._tidy_up()
            case OrderKind.NEW_SESSION:
                self._working.begin_afresh()
            case OrderKind.SET_MODEL:
                self._runner.use_model(order.model)
                self._standing.model = order.model or self._runner.model
                self._end_rest(HarnessState.LIMITED)  # which may have been that model's alone
            case OrderKind.LOGIN:
                self._runner.use_token(order.token)
                self._end_rest(HarnessState.LIMITED, HarnessState.NEEDS_LOGIN)
            case OrderKind.CANCEL_TURN:
                pass  # it was about a turn, and there is none now

    def _end_rest(self, *states: HarnessState) -> None:
        if self._rest is not None and self._rest.state in states:
            self._rest = None

    def _wake(self) -> None:
        if self._for_orders:
            self._idle.cancel()

    async def _tell(self, state: HarnessState, until: float | None = None, note: str | None = None) -> None:
        await self._idly(Deferred.fromCoroutine(self._standing.tell(state, until, note)), for_orders=False)

    async def _idly(self, waiting: Deferred[Any], *, for_orders: bool = True) -> Any:
        """What is waited for; None where the end broke off the wait, or an order where it may do so."""
        self._idle, self._for_orders = waiting, for_orders
        if self._stopping or (for_orders and len(self._orders)):
            waiting.cancel()
        try:
            return await waiting
        except CancelledError:
            return None
        finally:
            self._for_orders = False

    def _note(self, letter: Letter, what: str) -> None:
        again = " again" if letter.redelivered else ""
        self._log.info(
            "message {id} from {sender}{again}: {what}", id=letter.id, sender=letter.sender, again=again, what=what
        )
