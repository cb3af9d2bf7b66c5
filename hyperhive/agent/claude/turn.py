"""One turn of the CLI: from the line that asks for it to what became of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import orjson
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall

from hyperhive.agent.claude.process import Line, Process
from hyperhive.agent.claude.stream import NoSession, Reading, brief
from hyperhive.agent.runner import Cancelled, TurnError
from hyperhive.half_characters import made_whole
from hyperhive.wire.turns import Usage

MOST_RUBBISH: Final = 20
"""Lines that are no events, in one turn."""
CANCELLED: Final = "it was cancelled"
RESULT: Final = (b'{"type":"result"', b',"type":"result"')
"""How the last event of a turn can be told from others where it is too long to be read."""


class Turn:
    """Hears the lines of one turn. `cancelled`: somebody wants it to end. `over`: the CLI has said itself that it has.

    `begin` may be called again once what it gave has fired.
    """

    def __init__(self, reactor: Any, hear: Callable[[str], None], seconds: float) -> None:
        self.cancelled = self.over = False
        self._reactor = reactor
        self._hear = hear
        self._rubbish = 0
        self._reading = Reading()
        self._outcome: Deferred[Usage] | None = None
        late = TurnError(f"claude did not end its turn within {seconds:g} seconds")
        self._timers: list[IDelayedCall] = [reactor.callLater(seconds, self.fail, late)]

    def begin(self, reading: Reading) -> Deferred[Usage]:
        """Wait for what becomes of it: what it took, or a TurnError."""
        self._reading, self._outcome = reading, Deferred()
        self.over = False
        if self.cancelled:
            self.fail(Cancelled(CANCELLED))
        return self._outcome

    def cancel(self, grace: float) -> None:
        """Whatever becomes of it now, it was cancelled; that is so after the grace time at the latest, in seconds."""
        self.cancelled = True
        self._timers.append(self._reactor.callLater(grace, self.fail, Cancelled(CANCELLED)))

    def line(self, line: Line) -> None:
        """The next line of its stream."""
        if self._outcome is None or self._outcome.called or not line.content.strip():
            return
        self._hear(line.content.decode(errors="replace"))
        event = _event(line)
        if event is not None:
            self._take(self._reading.read(event, self._reactor.seconds()), last=event.get("type") == "result")
        elif line.whole:
            self._count_rubbish(line.content)
        elif self._reading.begun and any(sign in line.content for sign in RESULT):
            self.fail(TurnError("claude ended its turn with a line that is too long to be read"))

    def gone(self, process: Process) -> None:
        """The process has ended."""
        why = f"claude {process.how} in the middle of the turn"
        self.fail(NoSession(why) if process.exited and self._reading.resuming else TurnError(why))

    def fail(self, why: TurnError) -> None:
        """It has failed, unless it has ended already."""
        if self._outcome is not None and not self._outcome.called:
            self._outcome.errback(Cancelled(CANCELLED, why.usage) if self.cancelled else why)

    def stop(self) -> None:
        """Its time is not counted any more."""
        for timer in self._timers:
            if timer.active():
                timer.cancel()

    def _take(self, outcome: Usage | TurnError | None, *, last: bool) -> None:
        self.over = last and outcome is not None
        if isinstance(outcome, TurnError):
            self.fail(outcome)
        elif outcome is not None and self.cancelled:
            self.fail(Cancelled(CANCELLED, outcome))
        elif outcome is not None and self._outcome is not None:
            self._outcome.callback(outcome)

    def _count_rubbish(self, content: bytes) -> None:
        self._rubbish += 1
        if self._rubbish >= MOST_RUBBISH:
            said = brief(content[:200].decode(errors="replace"))
            self.fail(TurnError(f"claude writes what is no stream of JSON events, such as '{said}'"))


def _event(line: Line) -> dict[str, Any] | None:
    if not line.whole:
        return None
    try:
        event = orjson.loads(made_whole(line.content.decode()))
    except (UnicodeDecodeError, orjson.JSONDecodeError):
        return None
    return event if isinstance(event, dict) else None
