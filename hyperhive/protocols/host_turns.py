"""What the operator asks about the agents' turns, and orders of the harnesses that run them."""

from __future__ import annotations

from typing import Any

from attrs import define

from hyperhive.services.harnesses import Harnesses
from hyperhive.services.turns import Turns
from hyperhive.wire import host_turn_requests as ask
from hyperhive.wire.responses import HostResponse
from hyperhive.wire.states import OrderKind

Ordering = ask.CancelTurn | ask.Compact | ask.NewSession | ask.SetModel | ask.Login
"""What is brought to the harness inside an agent."""


@define(eq=False)
class HostTurnDesk:
    """Answers the operator's requests about turns."""

    turns: Turns
    harnesses: Harnesses

    def answer(self, request: ask.Turns | ask.TurnLog | Ordering) -> Any:
        """The answer to any of them."""
        match request:
            case ask.Turns(limit=limit, name=name, before=before):
                return self.turns.listed(name, limit, before).addCallback(
                    lambda rows: HostResponse(ok=True, turns=rows)
                )
            case ask.TurnLog(turn=turn, after=after):
                return self.turns.log(turn, after or 0).addCallback(
                    lambda found: HostResponse(ok=True, turns=(found[0],), events=found[1])
                )
            case _:
                return self._order(request)

    async def _order(self, request: Ordering) -> HostResponse:
        match request:
            case ask.CancelTurn(name=name):
                await self.harnesses.order(name, OrderKind.CANCEL_TURN)
            case ask.Compact(name=name):
                await self.harnesses.order(name, OrderKind.COMPACT)
            case ask.NewSession(name=name):
                await self.harnesses.order(name, OrderKind.NEW_SESSION)
            case ask.SetModel(name=name, model=model):
                await self.harnesses.order(name, OrderKind.SET_MODEL, model=model)
            case ask.Login(name=name, token=token):
                await self.harnesses.order(name, OrderKind.LOGIN, token=token)
        return HostResponse(ok=True)
