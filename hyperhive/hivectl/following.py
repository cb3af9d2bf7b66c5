"""Waits for operations to end, and shows on a terminal that it goes on."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final, TextIO

from attrs import define, field
from twisted.internet.defer import Deferred, DeferredQueue
from twisted.internet.task import LoopingCall

from hyperhive.hivectl.agent_pages import sentence_of_operation
from hyperhive.hivectl.reaching import OperationError
from hyperhive.hivectl.safe import one_line
from hyperhive.hivectl.screen import Screen
from hyperhive.protocols.asker import Asker, ConnectionGone
from hyperhive.wire import host_requests as ask
from hyperhive.wire.codec import HOST
from hyperhive.wire.records import Operation
from hyperhive.wire.states import OperationState

TURN: Final = 0.1
LOOK: Final = 1.0
FRAMES: Final = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"
CLEAR: Final = "\r\x1b[K"
_ENDED: Final = frozenset({OperationState.SUCCEEDED, OperationState.FAILED, OperationState.UNKNOWN})


@define(eq=False)
class Spinner:
    """A line on a terminal that turns, with `text` and then `news` in it; elsewhere nothing."""

    reactor: Any
    err: TextIO
    lively: bool
    text: str = ""
    news: str = ""
    _turned: int = field(default=0, init=False)

    @classmethod
    @contextmanager
    def on(cls, screen: Screen, reactor: Any, *, lively: bool) -> Iterator[Spinner]:
        """A spinner that turns inside the `with`, and leaves a clean line."""
        spinner = cls(reactor, screen.err, lively)
        if not lively:
            yield spinner
            return
        turning = LoopingCall(spinner.turn)
        turning.clock = reactor
        turning.start(TURN).addErrback(lambda _: None)
        try:
            yield spinner
        finally:
            if turning.running:
                turning.stop()
            spinner.err.write(CLEAR)
            spinner.err.flush()

    def tell(self, *, text: str | None = None, news: str | None = None) -> None:
        """Show another text, or other news."""
        self.text = self.text if text is None else text
        self.news = self.news if news is None else news
        if self.lively:
            self.draw()

    def turn(self) -> None:
        """Turn by one frame."""
        self._turned += 1
        self.draw()

    def draw(self) -> None:
        """Draw it anew."""
        from rich.cells import set_cell_size

        news = f" | {one_line(self.news)}" if self.news else ""
        line = f"{FRAMES[self._turned % len(FRAMES)]} {one_line(self.text)}{news}"
        self.err.write(CLEAR + set_cell_size(line, shutil.get_terminal_size().columns - 1).rstrip())
        self.err.flush()


async def all_ended(numbers: Sequence[int], asker: Asker, follower: Asker, spinner: Spinner) -> list[bytes]:
    """Wait for these operations to end; gives for each the line of the daemon that said so.

    Raises OperationError with what went wrong in those that did not succeed, ConnectionGone if the daemon left.
    """
    following = _Following(asker, spinner)
    await following.begin(follower)
    ends = [await following.end_of(number) for number in numbers]
    faults = [
        row.error or f"{sentence_of_operation(row)}." for row, _ in ends if row.state is not OperationState.SUCCEEDED
    ]
    if faults:
        raise OperationError("; ".join(faults))
    return [line for _, line in ends]


@define(eq=False)
class _Following:
    """What is heard of operations, from a subscription and, where that can't tell, by asking."""

    asker: Asker
    spinner: Spinner
    _news: DeferredQueue[bytes | None] = field(factory=DeferredQueue, init=False)

    async def begin(self, follower: Asker) -> None:
        """Subscribe."""
        acknowledged = HOST.answer(await follower.follow(ask.Subscribe(), self._news.put))
        if not acknowledged.ok:
            raise OperationError(f"the operation goes on, but can't be followed: {acknowledged.error}")
        follower.when_lost().addCallback(lambda _: self._news.put(None))

    async def end_of(self, number: int) -> tuple[Operation, bytes]:
        """How one operation ended, and the line that told."""
        # Subscribed first, looked up second: an end in between is in both, never in neither.
        row, line = await self._look_up(number)
        looking = _LogLines(self.asker, self.spinner, row.agent)
        looking.start()
        try:
            while row.state not in _ENDED:
                self.spinner.tell(text=f"{row.kind.value} {row.agent} (operation {number}, {row.state.value})")
                row, line = await self._next(number, row)
        finally:
            looking.stop()
        return row, line

    async def _next(self, number: int, row: Operation) -> tuple[Operation, bytes]:
        line = await self._news.get()
        if line is None:
            raise ConnectionGone("the daemon closed the connection before the operation ended")
        reply = HOST.answer(line)
        if reply.resync:
            return await self._look_up(number)
        found = reply.change.operation if reply.change is not None else None
        return (found if found is not None and found.id == number else row), line

    async def _look_up(self, number: int) -> tuple[Operation, bytes]:
        line = await self.asker.ask_for_line(HOST.line_of_request(ask.Operations(all=True)))
        for row in HOST.answer(line).operations or ():
            if row.id == number:
                return row, line
        raise OperationError(f"the daemon does not know operation {number} any more; hivectl status shows what stands.")


@define(eq=False)
class _LogLines:
    """Asks for the agent's last log line again and again, for the spinner."""

    asker: Asker
    spinner: Spinner
    agent: str
    _looking: LoopingCall = field(init=False)

    def start(self) -> None:
        """From now on, if the spinner turns."""
        self._looking = LoopingCall(self._look)
        self._looking.clock = self.spinner.reactor
        if self.spinner.lively:
            self._looking.start(LOOK).addErrback(lambda _: None)

    def stop(self) -> None:
        """No more."""
        if self._looking.running:
            self._looking.stop()

    def _look(self) -> Deferred[None]:
        asked = self.asker.ask(ask.Logs(self.agent, 1))
        return asked.addCallback(lambda reply: self._seen(reply.log or ()))

    def _seen(self, lines: tuple[str, ...]) -> None:
        if lines:
            self.spinner.tell(news=lines[-1])
