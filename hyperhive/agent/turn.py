"""Turns, one after the other: each from its beginning in the daemon's books to its end there."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, ClassVar, Final

from attrs import evolve, frozen
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.internet.task import LoopingCall
from twisted.logger import Logger

from hyperhive.agent.asking import IAsk
from hyperhive.agent.retrying import Retrying
from hyperhive.agent.runner import GRACE, Cancelled, IRunner, Limited, NotLoggedIn, Result, TurnError
from hyperhive.agent.stream import Stream
from hyperhive.agent.texts import within
from hyperhive.client import Refused, WireError, expected
from hyperhive.wire.agent_requests import Renew, RequeueInflight
from hyperhive.wire.fields import TEXT_BYTES
from hyperhive.wire.records import Letter
from hyperhive.wire.responses import Ok
from hyperhive.wire.states import TurnOutcome
from hyperhive.wire.turn_requests import BeginTurn, EndTurn
from hyperhive.wire.turns import Usage

RENEWAL: Final = 60.0
"""Seconds between signs of life while a turn goes on. A lease lasts far longer, but a daemon that was started again
shows the turn's mail as queued until the first one."""
LONGEST_TURN: Final = 25 * 3600.0
"""Seconds after which a turn is ended, whatever its runner thinks of it; runners have shorter limits of their own."""
PATIENCE: Final = GRACE + 25.0
"""Seconds that a runner has to end a turn that was cancelled."""

Work = Callable[[Callable[[str], None]], Awaitable[Result]]
"""What a turn does; it is given where the lines of its stream go. Raises TurnError."""


@frozen(kw_only=True)
class Ending:
    """How a turn ended. `until` is when the provider takes more, in unix seconds; None where it did not say."""

    outcome: TurnOutcome
    spent: bool = True
    error: str | None = None
    usage: Usage = Usage()
    until: float | None = None


STOPPING: Final = Ending(outcome=TurnOutcome.CANCELLED, spent=False, error="hive-agent is stopping")
CANCELLED: Final = Ending(outcome=TurnOutcome.CANCELLED, error="the operator cancelled it")
OVERDUE: Final = Ending(
    outcome=TurnOutcome.FAILED, error=f"the turn went on for {LONGEST_TURN / 3600:g} hours and was ended"
)


class Turns:
    """Does turns, one at a time."""

    _log: ClassVar[Logger] = Logger()

    def __init__(self, clock: IReactorTime, daemon: IAsk, runner: IRunner) -> None:
        self._clock = clock
        self._daemon = daemon
        self._retrying = Retrying(clock, daemon)
        self._runner = runner
        self._working: Deferred[Result] | None = None
        self._as: Ending | None = None
        self._timers: list[IDelayedCall] = []
        self._grace: float | None = None
        self._number: int | None = None
        self._unheard: int | None = None

    async def do(self, letter: Letter | None, work: Work) -> Ending:
        """One turn, about a message or none. Raises Refused and WireError if the daemon lets none begin."""
        ids = () if letter is None else (letter.id,)
        begun = await self._daemon.ask(BeginTurn(ids, self._runner.kind, self._runner.model))
        number = expected(Ok, begun).id
        if number is None:
            raise WireError("the daemon began a turn and did not say which")
        stream = Stream(self._clock, self._daemon, number)
        self._number = number
        try:
            ending = await self._ended(work, stream)
            await stream.close()
        finally:
            self._number = None
            stream.abandon()
        return await self._settled(number, ending)

    def cancel(self, number: int | None) -> None:
        """End the turn with that number, if it is under way; unless it ends well all the same, it ends as cancelled."""
        if number is not None and number == self._number:
            self._end_as(CANCELLED)
        elif self._number is None:
            self._unheard = number  # it may be the one that begins, of which the daemon's word is still on its way

    def _end_as(self, ending: Ending) -> None:
        if self._working is None or self._as is not None:
            return
        self._as = ending
        self._in(PATIENCE, self._working.cancel)
        self._runner.cancel()

    def stop(self, grace: float) -> None:
        """Begin no more work, and cancel what is under way unless it ends within so many seconds."""
        self._grace = grace
        self._retrying.stop()
        if self._working is not None:
            self._in(grace, self._end_as, STOPPING)

    async def _ended(self, work: Work, stream: Stream) -> Ending:
        if self._grace is not None:
            return STOPPING
        if self._unheard is not None and self._unheard == self._number:
            return CANCELLED
        self._as = None
        with self._renewing():
            self._working = Deferred.fromCoroutine(self._whole(work, stream))
            self._in(LONGEST_TURN, self._end_as, OVERDUE)
            try:
                result = await self._working
            except (TurnError, CancelledError) as error:
                return self._failed(error)
            finally:
                self._working = None
                self._stop_timers()
        return Ending(outcome=TurnOutcome.DONE, usage=result.usage)

    def _failed(self, error: TurnError | CancelledError) -> Ending:
        """How it ended: as it was cancelled, if it was. Raises CancelledError where we are to go, and not the turn."""
        if isinstance(error, TurnError):
            return judged(error) if self._as is None else evolve(self._as, usage=error.usage)
        if self._as is None:
            raise error
        return evolve(self._as, error=f"{self._as.error}; its runner did not end it in time")

    async def _whole(self, work: Work, stream: Stream) -> Result:
        """The work, with a fault of a runner's as one more way to fail."""
        try:
            return await work(stream.hear)
        except (TurnError, CancelledError):
            raise
        except Exception as error:
            self._log.failure("the runner has a fault")
            raise TurnError(f"the runner has a fault ({type(error).__name__}); the agent's log has it") from error

    async def _settled(self, number: int, ending: Ending) -> Ending:
        """How it ended in the daemon's books too; where they have it otherwise, it did not end well."""
        error = None if ending.error is None else within(ending.error, TEXT_BYTES)
        spent = None if ending.outcome is TurnOutcome.DONE else ending.spent
        request = EndTurn(number, ending.outcome, spent, error, ending.usage)
        try:
            await self._retrying.ask(request, f"the end of turn {number}", final=f"turn {number} ")
        except (Refused, WireError) as refusal:
            if ending.outcome is TurnOutcome.DONE:
                return evolve(ending, outcome=TurnOutcome.FAILED, error=f"its end was refused: {refusal}")
        return ending

    async def put_back(self, letter: Letter, *, spent: bool) -> None:
        """Queue a message again about which no turn has begun."""
        with suppress(Refused, WireError):  # the log has it, and the daemon puts it back at our end
            await self._retrying.ask(RequeueInflight((letter.id,), spent=spent), f"what became of message {letter.id}")

    @contextmanager
    def _renewing(self) -> Iterator[None]:
        """What is in hand is kept meanwhile."""
        renewing = LoopingCall(lambda: Deferred.fromCoroutine(self._renew()))
        renewing.clock = self._clock
        renewing.start(RENEWAL, now=False).addErrback(lambda failure: failure.trap(CancelledError) and None)
        try:
            yield
        finally:
            if renewing.running:
                renewing.stop()

    async def _renew(self) -> None:
        try:
            await self._daemon.ask(Renew())
        except (Refused, WireError) as error:
            self._log.error("the messages in hand could not be kept longer: {error}", error=error)

    def _in(self, seconds: float, call: Callable[..., Any], *arguments: Any) -> None:
        self._timers.append(self._clock.callLater(seconds, call, *arguments))

    def _stop_timers(self) -> None:
        timers, self._timers = self._timers, []
        for timer in timers:
            if timer.active():
                timer.cancel()


def judged(error: TurnError) -> Ending:
    """How a turn ended that its runner could not end well."""
    outcome, spent, until = TurnOutcome.FAILED, True, None
    match error:
        case Cancelled():
            outcome = TurnOutcome.CANCELLED
        case NotLoggedIn():
            outcome, spent = TurnOutcome.NEEDS_LOGIN, False
        case Limited():
            outcome, spent, until = TurnOutcome.LIMITED, False, error.until
    return Ending(outcome=outcome, spent=spent, error=str(error), usage=error.usage, until=until)
