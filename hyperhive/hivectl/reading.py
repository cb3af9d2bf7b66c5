"""Reads one turn: what it is about, what its runner wrote, and, if asked, what it goes on to write until it ends."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Final

from attrs import define, field
from twisted.internet.defer import DeferredQueue

from hyperhive.hivectl.page import Page, View
from hyperhive.hivectl.reaching import RefusedError
from hyperhive.hivectl.turn_pages import foot, head
from hyperhive.hivectl.turn_stream import told
from hyperhive.protocols.asker import Asker, ConnectionGone
from hyperhive.wire.codec import HOST
from hyperhive.wire.host_requests import HostRequest, Messages, Subscribe
from hyperhive.wire.host_turn_requests import TurnLog
from hyperhive.wire.records import MessageRow
from hyperhive.wire.responses import HostResponse
from hyperhive.wire.turns import Turn

MOST_MAIL: Final = 8
"""How many of the messages that a turn is about are shown."""


@define(eq=False)
class Reader:
    """Reads a turn by `ask`; pages go to `show`, made for `view`."""

    ask: Callable[[HostRequest], Awaitable[HostResponse]]
    show: Callable[[Page], None]
    view: Callable[[], View]
    _news: DeferredQueue[bytes | None] = field(factory=DeferredQueue, init=False)

    async def subscribe(self, follower: Asker) -> None:
        """Hear of changes from now on. Raises RefusedError."""
        acknowledged = HOST.answer(await follower.follow(Subscribe(), self._news.put))
        if not acknowledged.ok:
            raise RefusedError(acknowledged.error or "the daemon does not let its changes be followed.")
        follower.when_lost().addCallback(lambda _: self._news.put(None))

    async def read(self, number: int, *, follow: bool, mail: bool) -> None:
        """Show the turn; `mail`: with the messages that it is about."""
        turn, after = None, 0
        while True:
            reply = await self.ask(TurnLog(number, after or None))
            (found,) = reply.turns or ()
            if turn is None:
                self.show(head(found, await self._mail(found) if mail else (), self.view()))
            turn = found
            for event in reply.events or ():
                self.show(told(event.event, self.view()))
                after = event.seq
            if reply.events:
                continue
            if turn.outcome is not None or not follow:
                break
            await self._changed(number)
        self.show(foot(turn))

    async def _changed(self, number: int) -> None:
        """Wait for a change of that turn. Raises ConnectionGone."""
        while (line := await self._news.get()) is not None:
            reply = HOST.answer(line)
            changed = reply.change.turn if reply.change is not None else None
            if reply.resync or (changed is not None and changed.id == number):
                return
        raise ConnectionGone("the daemon closed the connection before the turn ended")

    async def _mail(self, turn: Turn) -> Sequence[MessageRow]:
        found = []
        for id_ in turn.messages[:MOST_MAIL]:
            reply = await self.ask(Messages(1, turn.agent, id_ + 1))
            found += [row for row in reply.messages or () if row.id == id_]
        return found
