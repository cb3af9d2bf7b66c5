"""The runner that is any program: the body of a message in, the reply out."""

from __future__ import annotations

from collections.abc import Callable

from zope.interface import implementer

from hyperhive.agent.command import Command, CommandFailed, Run
from hyperhive.agent.runner import Cancelled, IRunner, Prompt, Result, TurnError
from hyperhive.agent_config import COMMAND
from hyperhive.wire.turns import Usage


@implementer(IRunner)
class CommandRunner:
    """Starts the command anew for every message. It has neither a context nor an account."""

    kind = COMMAND
    model: str | None = None

    def __init__(self, command: Command) -> None:
        self._command = command
        self._run: Run | None = None
        self._cancelled = False

    async def turn(self, prompt: Prompt, hear: Callable[[str], None]) -> Result:
        """Run the command on the message, and have its output for a reply; a turn without one has nothing to do.

        One that ends well although it was cancelled has done its work all the same.
        """
        if not prompt.letters:
            return Result()
        (letter,) = prompt.letters
        self._cancelled = False
        try:
            self._run = self._command.run(letter, hear)
            return Result(reply=await self._run.output)
        except CommandFailed as failed:
            kind = Cancelled if self._cancelled else TurnError
            raise kind(f"the command {failed}") from failed
        finally:
            self._run = None

    def cancel(self) -> None:
        self._cancelled = True
        if self._run is not None:
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
