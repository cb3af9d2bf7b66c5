"""What is done in a turn: the prompt and the answer to it, the second try where a context was full, the notes."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from twisted.logger import Logger

from hyperhive.agent.asking import IAsk
from hyperhive.agent.prompting import Prompts
from hyperhive.agent.replies import Replies
from hyperhive.agent.runner import Cancelled, IRunner, Limited, NotLoggedIn, Prompt, PromptTooLong, Result, TurnError
from hyperhive.client import Refused, WireError, expected
from hyperhive.wire.agent_requests import GetOpenThreads, Status
from hyperhive.wire.records import Letter
from hyperhive.wire.responses import OpenThreads
from hyperhive.wire.responses import Status as Waiting
from hyperhive.wire.turns import Usage

Hear = Callable[[str], None]


class Working:
    """The work of turns, by one runner. `said` is what became of the last one's reply, in words."""

    _log: ClassVar[Logger] = Logger()

    def __init__(self, daemon: IAsk, runner: IRunner, prompts: Prompts) -> None:
        self._daemon = daemon
        self._runner = runner
        self._prompts = prompts
        self._replies = Replies(daemon)
        self._is_afresh = True
        self.said = ""

    async def answer(self, letter: Letter, hear: Hear) -> Result:
        """Work on a message and send the runner's reply, if it leaves that to us. Raises TurnError.

        A reply that was refused is not worked out a second time.
        """
        refused = self._replies.refused(letter)
        result = await self._worked(letter, hear) if refused is None else Result(reply=refused)
        self.said = await self._replies.send(letter, result)
        return result

    async def tidy_up(self, hear: Hear) -> Result:
        """Have the agent write its notes, and shorten its context. Raises TurnError."""
        try:
            await self._runner.turn(Prompt(text=self._prompts.notes()), hear)
        except PromptTooLong:
            self._log.warn("no notes could be written, as there is no room for them in the context")
            return Result(usage=await self._made_room(hear))
        return Result(usage=await self._compacted(hear))

    def begin_afresh(self) -> None:
        """Begin with an empty context at the next turn."""
        self._runner.renew_session()
        self._is_afresh = True

    async def _worked(self, letter: Letter, hear: Hear) -> Result:
        """What the runner makes of the message. Where the context does not take it, that is shortened, once.

        If it still does not, a shorter one won't come by itself: the next turn begins with an empty one.
        """
        try:
            return await self._prompted(letter, hear)
        except PromptTooLong as error:
            self._log.warn("the context does not take the message, so it is shortened: {error}", error=error)
        await self._made_room(hear)
        try:
            return await self._prompted(letter, hear)
        except PromptTooLong as error:
            self.begin_afresh()
            raise TurnError("the prompt is too long, even with the context shortened", error.usage) from error

    async def _prompted(self, letter: Letter, hear: Hear) -> Result:
        result = await self._runner.turn(await self._prompt(letter), hear)
        self._is_afresh = result.forgot
        return result

    async def _made_room(self, hear: Hear) -> Usage:
        """Shorten a context that takes nothing more. One that can't be shortened would fail every turn after this."""
        try:
            return await self._compacted(hear)
        except (Cancelled, Limited, NotLoggedIn):  # which say nothing about the context
            raise
        except TurnError as error:
            self._log.warn("a new session begins, as the full one can't be shortened: {error}", error=error)
            self.begin_afresh()
            raise

    async def _compacted(self, hear: Hear) -> Usage:
        usage = await self._runner.compact(hear)
        self._is_afresh = True
        return usage

    async def _prompt(self, letter: Letter) -> Prompt:
        """What is said of the message; and of all that is open, where the runner can't remember it."""
        text = self._prompts.wake(letter, await self._waiting())
        if self._is_afresh:
            text = f"{await self._owed(letter)}\n{text}"
        return Prompt(text=text, letter=letter)

    async def _waiting(self) -> int | None:
        try:
            return expected(Waiting, await self._daemon.ask(Status())).unread
        except (Refused, WireError) as error:
            self._log.error("how much mail waits is not known: {error}", error=error)
            return None

    async def _owed(self, letter: Letter) -> str:
        try:
            threads = expected(OpenThreads, await self._daemon.ask(GetOpenThreads())).rows
        except (Refused, WireError) as error:
            self._log.error("what the agent owes is not known: {error}", error=error)
            return ""
        return self._prompts.owed(threads, letter)
