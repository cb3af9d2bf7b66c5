"""What the operator wants of the loop: fetched from the daemon as it comes, kept until it can be carried out."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar, Final

from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import deferLater
from twisted.logger import Logger

from hyperhive.agent.asking import IAsk
from hyperhive.client import Refused, WireError, expected
from hyperhive.limits import LONGEST_BATCH_WAIT
from hyperhive.wire import responses, turn_requests
from hyperhive.wire.states import OrderKind
from hyperhive.wire.turns import Order

PAUSE: Final = 60.0
"""Seconds after which a daemon that gives no orders is asked again."""


class Orders:
    """Listens for orders over a line of its own, as it waits there.

    `cancel` is given the number of a turn that is to end, at once; `wake` is called when there is another order.
    """

    _log: ClassVar[Logger] = Logger()

    def __init__(
        self, clock: IReactorTime, daemon: IAsk, cancel: Callable[[int | None], None], wake: Callable[[], None]
    ) -> None:
        self._clock = clock
        self._daemon = daemon
        self._cancel = cancel
        self._wake = wake
        self._waiting: list[Order] = []

    def take(self) -> list[Order]:
        """What is to be carried out, in its order."""
        waiting, self._waiting = self._waiting, []
        return waiting

    def __len__(self) -> int:
        """How many wait to be taken."""
        return len(self._waiting)

    async def listen(self) -> None:
        """Listen until cancelled."""
        told = False
        while True:
            try:
                answer = await self._daemon.ask(turn_requests.Orders(LONGEST_BATCH_WAIT))
                orders = expected(responses.Orders, answer).orders
            except (Refused, WireError) as error:
                if not told:
                    self._log.error("the operator's orders can't be heard: {error}", error=error)
                told = True
                await deferLater(self._clock, PAUSE)
            else:
                told = False
                self._sort(orders)

    def _sort(self, orders: tuple[Order, ...]) -> None:
        for order in orders:
            if order.order is OrderKind.CANCEL_TURN:
                self._cancel(order.turn)
            else:
                self._waiting.append(order)
        if self._waiting:
            self._wake()
