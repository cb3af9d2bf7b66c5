"""Replies that a runner leaves to the loop: to whom they go, and what becomes of one that is refused."""

from __future__ import annotations

from typing import Final

from hyperhive.agent.asking import IAsk
from hyperhive.agent.runner import Result, TurnError
from hyperhive.client import Refused, WireError, expected
from hyperhive.wire.agent_requests import Send
from hyperhive.wire.names import DEAF
from hyperhive.wire.records import Letter
from hyperhive.wire.responses import Ok

MOST_REFUSED: Final = 64
"""Refused replies that are remembered."""


class Replies:
    """Sends replies as part of the turn under way: the daemon lets them go when it has ended well."""

    def __init__(self, daemon: IAsk) -> None:
        self._daemon = daemon
        self._refused: dict[int, str] = {}

    def refused(self, letter: Letter) -> str | None:
        """The reply to this message that was refused the last time, and need not be worked out again."""
        return self._refused.pop(letter.id, None)

    async def send(self, letter: Letter, result: Result) -> str:
        """Send the reply, unless there is none or nobody to take it; what was done, in words. Raises TurnError."""
        if result.reply is None:
            return "done"
        body = result.reply.rstrip("\n")
        if not body.strip():
            return "done, without a reply"
        if letter.sender in DEAF:
            return f"done; {letter.sender} takes no reply"
        if letter.in_reply_to is not None:
            return "done; a reply is not replied to"
        try:
            sent = expected(Ok, await self._daemon.ask(Send(letter.sender, body, letter.id, in_turn=True)))
        except (Refused, WireError) as error:
            self._remember(letter, result.reply)
            raise TurnError(f"its reply was refused: {error}", result.usage) from error
        return "done, with a reply" if sent.id is None else f"done, reply {sent.id}"

    def _remember(self, letter: Letter, reply: str) -> None:
        self._refused[letter.id] = reply
        if len(self._refused) > MOST_REFUSED:
            del self._refused[min(self._refused)]
