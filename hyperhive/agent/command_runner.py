"""The runner that is any program: the body of a message in, the reply out."""

from __future__ import annotations

from collections.abc import Callable

from twisted.internet.interfaces import IReactorTime
from zope.interface import implementer

from hyperhive.agent.command import Command, CommandFailed, Run
from hyperhive.agent.runner import Cancelled, IRunner, Prompt, Result, TurnError
from hyperhive.agent_config import COMMAND
from hyperhive.wire.turns import Usage


@implementer(IRunner)
class CommandRunner:
    """Starts the command anew for every message. It has neither a context nor an account.

    A turn takes at most `turn_seconds`.
    """

    kind = COMMAND
    model: str | None = None

    def __init__(self, clock: IReactorTime, command: Command, turn_seconds: float) -> None:
        self._clock = clock
        self._command = command
        self._turn_seconds = turn_seconds
        self._run: Run | None = None
        self._ended_as: TurnError | None = None

    async def turn(self, prompt: Prompt, hear: Callable[[str], None]) -> Result:
        """Run the command on the message, and have its output for a reply; a turn without one has nothing to do.

        One that ends well although it was cancelled has done its work all the same.
        """
        if prompt.letter is None:
            return Result()
        self._ended_as = None
        late = TurnError(f"the command did not end within {self._turn_seconds:g} seconds")
        limit = self._clock.callLater(self._turn_seconds, self._end, late)
        try:
            self._run = self._command.run(prompt.letter, hear)
            return Result(reply=await self._run.output)
        except CommandFailed as failed:
            raise self._why(failed) from failed
        finally:
            self._run = None
            if limit.active():
                limit.cancel()

    def _why(self, failed: CommandFailed) -> TurnError:
        return TurnError(f"the command {failed}") if self._ended_as is None else self._ended_as

    def cancel(self) -> None:
        self._end(Cancelled("the command was ended"))

    def _end(self, why: TurnError) -> None:
        if self._run is not None:
            self._ended_as = why
            self._run.end()

    async def compact(self, hear: Callable[[str], None]) -> Usage:
        return Usage()

    def use_model(self, model: str | None) -> None:
        pass

    def renew_session(self) -> None:
        pass

    def use_token(self, token: str | None) -> None:
        pass

    async def close(self) -> None:
        self.cancel()
