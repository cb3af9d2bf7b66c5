"""Turns on an agent's socket: what its harness says of them, and the orders that it fetches."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, assert_never

from attrs import define, field, frozen
from twisted.internet.defer import Deferred

from hyperhive.limits import batch_wait
from hyperhive.protocols.answers import Handed
from hyperhive.services.harnesses import Harnesses
from hyperhive.services.leases import Leases
from hyperhive.services.orders import Given, Orders
from hyperhive.services.turns import Turns
from hyperhive.wire import responses
from hyperhive.wire import turn_requests as ask
from hyperhive.wire.turns import Harness


@define(eq=False)
class TurnDesk:
    """Answers what the harness of the agent `name` says of its turns, over one connection.

    `look` finds out whether the peer has read its answers.
    """

    _turns: Turns
    _harnesses: Harnesses
    _leases: Leases
    _name: str
    _look: Callable[[], None]
    _waiting: list[Deferred[tuple[Given, ...]]] = field(factory=list, init=False)

    def answer(self, request: ask.TurnRequest) -> Any:
        """The answer to any request about turns. All but the wait for orders shows that the agent is at work."""
        if request.__class__ is not ask.Orders:
            self._leases.alive(self._name)
        match request:
            case ask.BeginTurn():
                return self._begin(request)
            case ask.TurnEvents(turn=turn, first=first, events=events):
                return self._hear(turn, first, events)
            case ask.EndTurn():
                return self._end(request)
            case ask.Report():
                return self._report(request)
            case ask.Orders(wait_seconds=seconds):
                return self._orders(batch_wait(seconds))
            case _:
                assert_never(request)

    def hurry(self) -> None:
        """Whatever waits is answered with what there is."""
        for waiting in tuple(self._waiting):
            self._harnesses.orders.hurry(self._name, waiting)

    def left(self) -> None:
        """Whatever waits is given up."""
        for waiting in tuple(self._waiting):
            waiting.cancel()

    async def _begin(self, request: ask.BeginTurn) -> responses.Ok:
        return responses.Ok(id=await self._turns.begin(self._name, request.ids, request.runner, request.model))

    async def _hear(self, turn: int, first: int, events: tuple[str, ...]) -> responses.Ok:
        return responses.Ok(count=await self._turns.hear(self._name, turn, first, events))

    async def _end(self, request: ask.EndTurn) -> responses.Ok:
        count = await self._turns.end(
            self._name,
            request.turn,
            request.outcome,
            request.error,
            request.usage,
            spent=request.spent is not False,
        )
        return responses.Ok(count=count)

    async def _report(self, request: ask.Report) -> responses.Ok:
        harness = Harness(
            state=request.state,
            until=request.until,
            model=request.model,
            note=request.note,
            runner=request.runner,
        )
        await self._harnesses.report(self._name, harness)
        return responses.Ok()

    def _orders(self, seconds: int) -> Deferred[Handed | responses.Orders]:
        waiting = self._harnesses.orders.wait(self._name, seconds, self._look)
        if not waiting.called:
            self._waiting.append(waiting)
            waiting.addBoth(self._waited, waiting)
        return waiting.addCallback(self._handed)

    def _waited(self, result: tuple[Given, ...], waiting: Deferred[tuple[Given, ...]]) -> tuple[Given, ...]:
        self._waiting.remove(waiting)
        return result

    def _handed(self, given: tuple[Given, ...]) -> Handed | responses.Orders:
        answer = responses.Orders(tuple(one.order for one in given))
        return Handed(answer, _OrdersLease(self._harnesses.orders, given)) if given else answer


@frozen
class _OrdersLease:
    """Orders on their way to the harness: who gave them hears that they were read, and the rest is given again."""

    _orders: Orders
    _given: tuple[Given, ...]

    def was_read(self) -> None:
        """The harness has them."""
        for given in self._given:
            self._orders.read(given)

    def was_not_read(self) -> None:
        """The next one who asks is given them, if it comes in time."""
        for given in self._given:
            self._orders.back(given)

    def was_not_written(self) -> None:
        """As if it had not been read: an order that is carried out twice does no harm."""
        self.was_not_read()
