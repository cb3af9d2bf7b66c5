"""Harnesses: the programs inside agents that run their turns; what they report, and what is asked of them."""

from __future__ import annotations

from functools import partial
from typing import Final

from attrs import define

from hyperhive.agent_config import COMMAND
from hyperhive.boundaries import IContainers
from hyperhive.errors import Refused
from hyperhive.services.broker import Broker
from hyperhive.services.effects import Effects
from hyperhive.services.feed import Kind
from hyperhive.services.orders import Orders
from hyperhive.store import agents, harnesses, turns
from hyperhive.store.database import Connection
from hyperhive.wire import events
from hyperhive.wire.names import MANAGER
from hyperhive.wire.states import OrderKind
from hyperhive.wire.turns import Harness

_NEEDS: Final = {
    OrderKind.COMPACT: "context",
    OrderKind.NEW_SESSION: "context",
    OrderKind.SET_MODEL: "model",
    OrderKind.LOGIN: "login",
}
"""What a runner must have for an order to come to anything."""
LAST_SECOND: Final = 253_402_300_799
"""The last that a date with four digits for the year can show, in unix seconds."""


@define(eq=False)
class Harnesses:
    """Keeps what harnesses report, and brings them the operator's orders."""

    _broker: Broker
    _containers: IContainers
    orders: Orders

    async def report(self, name: str, harness: Harness) -> None:
        """The harness inside that agent says how it stands; the manager hears of a login that is missing."""
        if harness.until is not None and not 0 <= harness.until <= LAST_SECOND:
            message = f"'until' must be a time in unix seconds from 0 to {LAST_SECOND}, not {harness.until}"
            raise Refused(message)
        change = partial(_report, name=name, harness=harness, now=self._broker.now())
        self._broker.announce(await self._broker.database.perform(change))

    async def order(
        self, name: str, kind: OrderKind, *, model: str | None = None, token: str | None = None
    ) -> None:  # fmt: skip
        """Bring an order to the harness inside that agent. Fails with UnknownAgent or Refused.

        The order to cancel a turn names the one that the agent is in now, so that it ends no other.
        """
        if model is not None and not model.strip():
            message = "set_model: 'model' is empty; name a model, or leave it out for the configured one"
            raise Refused(message)
        turn = await self._broker.database.perform(partial(_turn_of, name=name))
        runs = (await self._containers.running()).get(name)
        if runs is None:
            message = f"'{name}' does not run, so that there is nobody to order; 'start' it"
            raise Refused(message)
        await self._broker.database.perform(partial(_check, name=name, generation=runs.generation, kind=kind))
        if kind is not OrderKind.CANCEL_TURN:
            turn = None
        elif turn is None:
            message = f"'{name}' is in no turn, so that there is none to be cancelled"
            raise Refused(message)
        await self.orders.give(name, kind, turn=turn, model=model, token=token)


def _turn_of(connection: Connection, name: str) -> int | None:
    agents.one(connection, name)
    return turns.open_of(connection, name)


def _check(connection: Connection, name: str, generation: int, kind: OrderKind) -> None:
    """Raises Refused if the agent's runner is known to have nothing that the order is about."""
    needed = _NEEDS.get(kind)
    if needed is not None and harnesses.runner_of(connection, name, generation) == COMMAND:
        message = f"'{name}' works by the runner '{COMMAND}', which has no {needed}"
        raise Refused(message)


def _report(connection: Connection, name: str, harness: Harness, now: int) -> Effects:
    is_news = harnesses.report(connection, name, harness)
    effects = Effects(rows=[(Kind.AGENT, name, name)])
    if is_news and name != MANAGER:  # who is not logged in itself can't be told so
        effects.tell_manager(connection, events.NeedsLogin(name), now)
    return effects
