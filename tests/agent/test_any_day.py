"""Whatever happens in whatever order, turns begin and end one after the other, and a stop leaves nothing behind."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from hypothesis import settings, strategies
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from hyperhive.agent.runner import GRACE, Cancelled, Limited, NotLoggedIn, PromptTooLong, Result, TurnError
from hyperhive.agent.turn import PATIENCE
from hyperhive.wire.states import OrderKind, TurnOutcome
from hyperhive.wire.turn_requests import BeginTurn, EndTurn
from hyperhive.wire.turns import Usage
from tests.agent.scripted import NOW, Bench

ENDS: dict[str, Any] = {
    "done": Result(reply="yes"),
    "full": Result(usage=Usage(context_tokens=2000)),
    "failed": TurnError("it died"),
    "cancelled": Cancelled("somebody did"),
    "too long": PromptTooLong("too long"),
    "logged out": NotLoggedIn("who are you"),
    "limited": Limited("enough", NOW + 500),
    "limited, for how long nobody knows": Limited("enough", None),
}


class AnyDay(RuleBasedStateMachine):
    """A loop to which anything happens; every step of its runner waits until it is told how it ends."""

    def __init__(self) -> None:
        super().__init__()
        self.directory = tempfile.TemporaryDirectory()
        self.bench = Bench(Path(self.directory.name, "credentials"))
        self.bench.runner.waits = True
        self.bench.start()
        self.number = 0

    @rule()
    def mail_comes(self) -> None:
        self.number += 1
        self.bench.daemon.deliver("bob", "hello", self.number)

    @precondition(lambda self: self.bench.runner.under_way is not None)
    @rule(end=strategies.sampled_from(sorted(ENDS)))
    def the_runner_ends(self, end: str) -> None:
        step, outcome = self.bench.runner.under_way, ENDS[end]
        assert step is not None
        if isinstance(outcome, Result) and self.bench.runner.done[-1] == "compact":
            outcome = outcome.usage
        (step.errback if isinstance(outcome, Exception) else step.callback)(outcome)

    @precondition(lambda self: self.bench.daemon.is_listened_to())
    @rule(kind=strategies.sampled_from(OrderKind), late=strategies.booleans())
    def an_order_comes(self, kind: OrderKind, *, late: bool) -> None:
        last = len(self.bench.daemon.of(BeginTurn))
        self.bench.daemon.order(kind, turn=last - late if kind is OrderKind.CANCEL_TURN else None)

    @rule(seconds=strategies.sampled_from([0.5, 5, 60, 600, 7200]))
    def time_goes_by(self, seconds: float) -> None:
        self.bench.clock.advance(seconds)

    @rule(obeys=strategies.booleans())
    def the_runner_is_as_it_is(self, *, obeys: bool) -> None:
        self.bench.runner.obeys = obeys

    @rule()
    def the_daemon_goes(self) -> None:
        self.bench.daemon.away = True

    @rule()
    def the_daemon_is_back(self) -> None:
        self.bench.daemon.come_back()

    @rule()
    def somebody_logs_in(self) -> None:
        self.bench.credentials.write_text(str(self.bench.clock.seconds()))

    @invariant()
    def turns_begin_and_end_one_after_the_other(self) -> None:
        marks = [asked for asked in self.bench.daemon.asked if isinstance(asked, BeginTurn | EndTurn)]
        for number, (begun, ended) in enumerate(zip(marks[::2], marks[1::2], strict=False), 1):
            assert isinstance(begun, BeginTurn)
            assert isinstance(ended, EndTurn)
            assert ended.turn == number
            free = {TurnOutcome.LIMITED, TurnOutcome.NEEDS_LOGIN}
            assert (ended.spent is False) == (ended.outcome in free)

    @invariant()
    def it_goes_on(self) -> None:
        assert not self.bench.over.called

    def teardown(self) -> None:
        bench = self.bench
        bench.daemon.come_back()
        bench.loop.stop(3)
        bench.clock.pump([3, PATIENCE, GRACE])
        assert bench.over.called
        assert len(bench.daemon.of(BeginTurn)) == len(bench.daemon.of(EndTurn))
        assert bench.clock.getDelayedCalls() == []
        self.directory.cleanup()


TestAnyDay = AnyDay.TestCase
TestAnyDay.settings = settings(max_examples=60, stateful_step_count=40)
