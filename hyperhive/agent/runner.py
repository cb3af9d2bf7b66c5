"""What lies between the turn loop and what does a turn's work: a coding agent's CLI, or any command.

Another CLI is one more file with an `IRunner` in it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from attrs import frozen
from zope.interface import Attribute, Interface

from hyperhive.wire.records import Letter
from hyperhive.wire.turns import Usage

GRACE: Final = 5.0
"""Seconds that what a runner has started has between being told to end and being killed; a stop allows for them."""


@frozen(kw_only=True)
class Prompt:
    """What a turn is about: the text for a model, and the message that it tells of (none: work of the loop's own)."""

    text: str
    letter: Letter | None = None


@frozen(kw_only=True)
class Result:
    """A turn that ended well. `reply` is an answer that the loop is to send; None where the runner sends its own.

    `forgot`: the context was shortened or began anew, without having been told to, in this turn or since the last one.
    """

    reply: str | None = None
    usage: Usage = Usage()
    forgot: bool = False


class TurnError(Exception):
    """A turn did not end well; the text says why, and follows "the turn failed: ". `usage` is what it took."""

    def __init__(self, reason: str, usage: Usage | None = None) -> None:
        super().__init__(reason)
        self.usage = Usage() if usage is None else usage


class Cancelled(TurnError):
    """Somebody cancelled it."""


class PromptTooLong(TurnError):
    """The context does not take it."""


class NotShortened(TurnError):
    """The context is as long as it was."""


class NotLoggedIn(TurnError):
    """The provider does not know who asks."""


class Limited(TurnError):
    """The provider takes no more until `until`, in unix seconds; None where it did not say."""

    def __init__(self, reason: str, until: float | None, usage: Usage | None = None) -> None:
        super().__init__(reason, usage)
        self.until = until


class IRunner(Interface):
    """Does one turn after the other, never two at once."""

    kind = Attribute("its name, as `runner.kind` in `agent.toml` and a turn's row have it (str)")
    model = Attribute("the model that it works with, None if it has none or does not know (str or None)")

    async def turn(prompt: Prompt, hear: Callable[[str], None]) -> Result:
        """Do one turn; `hear` is given every line of its stream. Raises TurnError, or one of its kinds."""

    def cancel() -> None:
        """End the turn under way, if there is one, and all that it started; it raises Cancelled soon."""

    async def compact(hear: Callable[[str], None]) -> Usage:
        """Shorten the context, if there is one. Raises TurnError: NotShortened where it stays as it is."""

    def use_model(model: str | None) -> None:
        """Work with that model from the next turn on; None: with the one that was configured."""

    def renew_session() -> None:
        """Begin with an empty context at the next turn."""

    def use_token(token: str | None) -> None:
        """Log in with that token from the next turn on; None: with what the runner has by itself."""

    async def close() -> None:
        """End all that runs for it; what it remembers for its next start is on disk."""
