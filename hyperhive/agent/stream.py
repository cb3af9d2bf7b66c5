"""A turn's stream on its way to the daemon: in batches, bounded, and never in the turn's way."""

from __future__ import annotations

from collections import deque
from typing import ClassVar, Final

from twisted.internet.defer import CancelledError, Deferred, succeed
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger

from hyperhive.agent.asking import IAsk
from hyperhive.agent.texts import within
from hyperhive.client import Refused, WireError
from hyperhive.wire.fields import EVENT_BYTES, MOST_EVENTS
from hyperhive.wire.turn_requests import TurnEvents

DELAY: Final = 0.5
"""Seconds that a line waits for others."""
BATCH_BYTES: Final = 128 * 1024
"""What one request carries; a line of JSON has six bytes for one at worst, and may be one mebibyte long."""
MOST_LINES: Final = 4 * MOST_EVENTS
"""Lines that wait for the daemon, and their bytes; what comes while there is no room is only counted."""
MOST_BYTES: Final = 1024 * 1024
CUT: Final = " … [cut by hive-agent]"


class Stream:
    """Takes a turn's lines from its runner, and brings them to the daemon in their order."""

    _log: ClassVar[Logger] = Logger()

    def __init__(self, clock: IReactorTime, daemon: IAsk, turn: int) -> None:
        self._clock = clock
        self._daemon = daemon
        self._turn = turn
        self._lines: deque[tuple[str, int]] = deque()
        self._bytes = 0
        self._missed = 0
        self._next = 1
        self._timer: IDelayedCall | None = None
        self._sending: Deferred[None] = succeed(None)
        self._refused = False

    def hear(self, line: str) -> None:
        """The next line, without its end."""
        text, size = cut(line)
        if self._refused:
            return
        if len(self._lines) >= MOST_LINES or self._bytes + size > MOST_BYTES:
            self._missed += 1
            return
        self._tell_missed()
        self._keep(text, size)
        if self._is_full():
            self._send_now()
        elif self._timer is None and self._sending.called:
            self._timer = self._clock.callLater(DELAY, self._send_now)

    async def close(self) -> None:
        """Bring what is left to the daemon; returns when it is there, however long the daemon is away."""
        await self._sending
        self._tell_missed()
        while self._lines:
            await self._send()
        self._stop_timer()

    def abandon(self) -> None:
        """Send nothing more."""
        self._forget()
        self._stop_timer()
        self._sending.cancel()

    def _forget(self) -> None:
        self._refused = True
        self._lines.clear()
        self._bytes = 0

    def _keep(self, text: str, size: int) -> None:
        self._lines.append((text, size))
        self._bytes += size

    def _tell_missed(self) -> None:
        if self._missed:
            self._keep(*cut(f"[hive-agent: {self._missed} lines are missing here, as the daemon was away]"))
            self._missed = 0

    def _is_full(self) -> bool:
        return len(self._lines) >= MOST_EVENTS or self._bytes >= BATCH_BYTES

    def _send_now(self) -> None:
        self._stop_timer()
        if self._sending.called:
            self._sending = Deferred.fromCoroutine(self._send_full())
            self._sending.addErrback(lambda failure: failure.trap(CancelledError) and None)

    async def _send_full(self) -> None:
        """Send, and go on while there is enough for another batch; what is left then waits for more."""
        await self._send()
        while self._is_full():
            await self._send()
        if self._lines:
            self._timer = self._clock.callLater(DELAY, self._send_now)

    async def _send(self) -> None:
        batch = self._batch()
        first, self._next = self._next, self._next + len(batch)
        try:
            await self._daemon.ask(TurnEvents(self._turn, first, batch))
        except (Refused, WireError) as error:
            self._log.error("the rest of turn {turn}'s stream is lost: {error}", turn=self._turn, error=error)
            self._forget()

    def _batch(self) -> tuple[str, ...]:
        """The next lines, as many as one request takes; they no longer count as waiting."""
        batch: list[str] = []
        room = BATCH_BYTES
        while self._lines and len(batch) < MOST_EVENTS and self._lines[0][1] <= room:
            text, size = self._lines.popleft()
            self._bytes -= size
            room -= size
            batch.append(text)
        return tuple(batch)

    def _stop_timer(self) -> None:
        if self._timer is not None and self._timer.active():
            self._timer.cancel()
        self._timer = None


def cut(line: str) -> tuple[str, int]:
    """The line as one event can hold it, and how many bytes that is."""
    text = within(line, EVENT_BYTES, CUT)
    return text, len(text.encode())
