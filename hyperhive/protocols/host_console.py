"""What the operator asks about the console: a link that opens it, and who is let in."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from attrs import define

from hyperhive.errors import Refused
from hyperhive.services.sessions import Sessions
from hyperhive.wire import host_requests as ask
from hyperhive.wire.records import Console
from hyperhive.wire.responses import HostResponse


@define(eq=False)
class HostConsoleDesk:
    """Answers the operator's requests about the console; `where` says where it is."""

    sessions: Sessions
    where: Callable[[], Console]

    def answer(self, request: ask.ConsoleLink | ask.Sessions | ask.Revoke) -> Any:
        """The answer to any of them."""
        match request:
            case ask.ConsoleLink(read_only=read_only):
                return self._link(read_only=read_only is True)
            case ask.Sessions():
                return self.sessions.listed().addCallback(lambda rows: HostResponse(ok=True, sessions=rows))
            case ask.Revoke(session=session):
                return self._revoke(session)

    async def _revoke(self, session: int) -> HostResponse:
        await self.sessions.revoke(session)
        return HostResponse(ok=True)

    def _link(self, *, read_only: bool) -> HostResponse:
        where = self.where()
        if where.url is None:
            raise Refused(where.off or "there is no console")
        word = self.sessions.link(read_only=read_only)
        return HostResponse(ok=True, link=f"{where.url}/open?word={word}")
