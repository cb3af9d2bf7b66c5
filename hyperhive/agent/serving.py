"""The agent's day: mail in, the command run on it, its reply out, the message acknowledged; one after the other."""

from __future__ import annotations

from typing import Any, ClassVar, Final

from twisted.application.internet import backoffPolicy
from twisted.internet.defer import CancelledError, Deferred, succeed
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import LoopingCall, deferLater
from twisted.logger import Logger

from hyperhive.agent.command import Command, CommandFailed, Run
from hyperhive.agent.link import Link
from hyperhive.client import Refused, WireError, expected
from hyperhive.limits import LONGEST_BATCH_WAIT
from hyperhive.wire.agent_requests import AckTurn, Recv, Renew, RequeueInflight, Send
from hyperhive.wire.names import REMINDER, SYSTEM
from hyperhive.wire.records import Letter
from hyperhive.wire.responses import Messages

ONE: Final = 1
"""How many messages are taken at a time: of several, those behind one that fails would overtake it."""
RENEWAL: Final = 600.0
"""Seconds between signs of life while the command runs; a lease lasts six times as long."""
MOST_REFUSED: Final = 64
"""Refused replies that are remembered."""
PAUSE: Final = backoffPolicy(initialDelay=0.5, maxDelay=60.0, factor=2.0, jitter=lambda: 0.0)
"""Seconds to the next message after the n-th failure in a row: 1, 2, 4, … 60."""


class Serving:
    """Gives the agent's mail to a command until it is told to stop."""

    _log: ClassVar[Logger] = Logger()

    def __init__(self, clock: IReactorTime, link: Link, command: Command) -> None:
        self._clock = clock
        self._link = link
        self._command = command
        self._stopping = False
        self._idle: Deferred[Any] = succeed(None)
        self._run: Run | None = None
        self._refused: dict[int, str] = {}

    async def serve(self) -> None:
        """Work until stopped. Ends by CancelledError if there was nothing to do when it was stopped."""
        failures = 0
        while not self._stopping:
            failures = 0 if await self._serve_next() else failures + 1
            if failures and not self._stopping:
                await self._idly(deferLater(self._clock, PAUSE(failures)))

    def stop(self) -> None:
        """Take no more mail, and end the command. `serve` ends when what was in hand is put back."""
        self._stopping = True
        self._idle.cancel()
        if self._run is not None:
            self._run.end()

    async def _serve_next(self) -> bool:
        """Wait for a message and work it off; whether nothing failed."""
        try:
            answer = await self._idly(Deferred.fromCoroutine(self._link.ask(Recv(LONGEST_BATCH_WAIT, ONE))))
            letters = expected(Messages, answer).messages
        except (Refused, WireError) as error:
            self._log.error("no mail was handed out: {error}", error=error)
            return False
        return all([await self._serve_one(letter) for letter in letters])

    async def _idly(self, waiting: Deferred[Any]) -> Any:
        self._idle = waiting
        return await waiting

    async def _serve_one(self, letter: Letter) -> bool:
        """From the message to its acknowledgement, or back into the queue; whether it was acknowledged."""
        try:
            outcome = await self._reply(letter, await self._output(letter))
        except CommandFailed as failed:
            spent = not self._stopping
            why = f"the command {failed}" if spent else "hive-agent is stopping"
        except (Refused, WireError) as error:
            spent, why = True, f"its reply was refused: {error}"
        else:
            self._tell(letter, outcome)
            await self._settle(AckTurn((letter.id,)))
            return True
        self._tell(letter, f"put back, as {why}")
        await self._settle(RequeueInflight((letter.id,), spent))
        return False

    async def _output(self, letter: Letter) -> str:
        """What the command says to the message. A reply that was refused is not worked out a second time."""
        if letter.id in self._refused:
            return self._refused.pop(letter.id)
        run = self._run = self._command.run(letter)
        renewing = LoopingCall(lambda: Deferred.fromCoroutine(self._renew()))
        renewing.clock = self._clock
        renewing.start(RENEWAL, now=False).addErrback(lambda failure: failure.trap(CancelledError) and None)
        try:
            return await run.output
        finally:
            self._run = None
            if renewing.running:
                renewing.stop()

    async def _reply(self, letter: Letter, output: str) -> str:
        """Send the reply, unless there is none or nobody to take it; what was done, in words."""
        body = output.rstrip("\n")
        if not body.strip():
            return "done, without a reply"
        if letter.sender in {SYSTEM, REMINDER}:
            return f"done; {letter.sender} takes no reply"
        if letter.in_reply_to is not None:
            return "done; a reply is not replied to"
        try:
            sent = await self._link.ask(Send(letter.sender, body, letter.id))
        except (Refused, WireError):
            self._refused[letter.id] = output
            if len(self._refused) > MOST_REFUSED:
                del self._refused[min(self._refused)]
            raise
        return f"done, reply {sent.id}"

    async def _settle(self, request: AckTurn | RequeueInflight) -> None:
        try:
            await self._link.ask(request)
        except (Refused, WireError) as error:
            self._log.error("what became of the message was not taken note of: {error}", error=error)

    async def _renew(self) -> None:
        try:
            await self._link.ask(Renew())
        except (Refused, WireError) as error:
            self._log.error("the messages in hand could not be kept longer: {error}", error=error)

    def _tell(self, letter: Letter, what: str) -> None:
        again = " again" if letter.redelivered else ""
        self._log.info(
            "message {id} from {sender}{again}: {what}", id=letter.id, sender=letter.sender, again=again, what=what
        )
