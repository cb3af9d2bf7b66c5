"""What a turn that did not end well means for the next one: how long the agent rests, and what it says meanwhile."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from attrs import frozen
from twisted.internet.interfaces import IReactorTime

from hyperhive.agent.retrying import doubling
from hyperhive.agent.turn import Ending
from hyperhive.wire.states import HarnessState, TurnOutcome

AFTER_FAILURE: Final = doubling(1.0, 60.0)
"""Seconds to the next turn after the n-th failure in a row."""
AFTER_LIMIT: Final = doubling(60.0, 1800.0)
"""Seconds after the n-th time in a row that a provider took no more and did not say until when."""
LONGEST_LIMIT: Final = 8 * 86400.0
"""Seconds after which a provider is asked again, whatever it said; limits are counted by the week at most."""
LONGEST_STAGGER: Final = 60.0
"""Seconds over which agents are spread that wait for the same moment."""


@frozen(kw_only=True)
class Rest:
    """No turn until `over`, in unix seconds; None: until somebody logs in. `until` is what others are told of it."""

    state: HarnessState
    over: float | None
    until: float | None
    note: str | None


class Setbacks:
    """Counts what went wrong in a row. `stagger` is a number of seconds, another one each time."""

    def __init__(self, clock: IReactorTime, stagger: Callable[[], float]) -> None:
        self._clock = clock
        self._stagger = stagger
        self._failures = 0
        self._limits = 0

    def rest(self, ending: Ending) -> Rest | None:
        """The rest that is due after a turn that ended so."""
        match ending.outcome:
            case TurnOutcome.DONE:
                self._failures = self._limits = 0
                return None
            case TurnOutcome.CANCELLED:
                return None
            case TurnOutcome.LIMITED:
                return self._limited(ending)
            case TurnOutcome.NEEDS_LOGIN:
                return Rest(state=HarnessState.NEEDS_LOGIN, over=None, until=None, note=ending.error)
            case _:
                return self.failed(ending.error)

    def failed(self, why: str | None) -> Rest:
        """The rest that is due after one more failure."""
        self._failures += 1
        over = self._clock.seconds() + AFTER_FAILURE(self._failures)
        return Rest(state=HarnessState.WAITING, over=over, until=over, note=why)

    def _limited(self, ending: Ending) -> Rest:
        """Until when the provider said, if that can be: a time that is over would be asked for again and again."""
        now = self._clock.seconds()
        until, stagger = ending.until, self._stagger()
        if until is None or until <= now:
            self._limits += 1
            until, stagger = now + AFTER_LIMIT(self._limits), 0.0
        until = min(until, now + LONGEST_LIMIT)
        return Rest(state=HarnessState.LIMITED, over=until + stagger, until=until, note=ending.error)
