"""Mail that calls have handed out, until it is sure that somebody reads their answers."""

from __future__ import annotations

from collections import deque
from typing import Final

import mcp_types as types

from hyperhive.agent.tools.link import Link
from hyperhive.wire.responses import Messages

MOST: Final = 64
"""Calls that are remembered; a cancellation crosses its answer within moments."""


class Handed:
    """Gives mail back that was taken by a call which turns out to be cancelled.

    A client that has read an answer does not cancel the call any more. So whoever cancels has not read it, also where
    it was written already: the cancellation and the answer have crossed.
    """

    def __init__(self, link: Link) -> None:
        self._link = link
        self._out: deque[tuple[types.RequestId, Messages]] = deque(maxlen=MOST)
        self._cancelled: deque[types.RequestId] = deque(maxlen=MOST)

    async def out(self, call: types.RequestId | None, mail: Messages) -> None:
        """That call answers with this mail."""
        if call is None or not mail.messages:
            return
        if call in self._cancelled:
            await self._link.put_back(mail)
        else:
            self._out.append((call, mail))

    async def cancelled(self, call: types.RequestId) -> None:
        """That call is cancelled, whether it has begun, or has answered."""
        self._cancelled.append(call)
        for one in [one for one in self._out if one[0] == call]:
            self._out.remove(one)
            await self._link.put_back(one[1])
