"""Orders: what the operator wants of the programs inside agents, until they fetch it. In memory only."""

from __future__ import annotations

from collections.abc import Callable

from attrs import define, field
from twisted.application.service import Service
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime

from hyperhive.errors import Refused
from hyperhive.limits import ORDER_SECONDS
from hyperhive.wire.states import OrderKind
from hyperhive.wire.turns import Order

GLANCE = 0.1
"""Seconds between two looks whether an order that was handed out has been read."""


@define(eq=False)
class Given:
    """An order on its way. `taken` fires when it was read; `look` finds out, once it was handed out."""

    name: str
    order: Order = field(repr=False)
    taken: Deferred[None]
    until: float
    look: Callable[[], None] | None = None
    timer: IDelayedCall | None = None


@define(eq=False)
class _Waiting:
    taken: Deferred[tuple[Given, ...]]
    look: Callable[[], None]
    timer: IDelayedCall | None = None


@define(eq=False)
class Orders(Service):
    """Hands orders to whoever asks for them inside an agent. A named service of the hive.

    An order holds a token at times: none is ever written to a disk or a log.
    """

    name = "orders"

    _clock: IReactorTime
    _given: dict[str, list[Given]] = field(factory=dict, init=False)
    _waiting: dict[str, list[_Waiting]] = field(factory=dict, init=False)

    def stopService(self) -> None:
        """Refuse what nobody has taken, and answer whoever waits with nothing."""
        super().stopService()
        for given in [one for queue in self._given.values() for one in queue]:
            self._give_up(given, "the daemon ends")
        for name in tuple(self._waiting):
            for waiting in tuple(self._waiting[name]):
                self._answer(name, waiting, ())

    def give(
        self,
        name: str,
        kind: OrderKind,
        *,
        turn: int | None = None,
        model: str | None = None,
        token: str | None = None,
    ) -> Deferred[None]:
        """Give an order to the program inside that agent; fires once it has it. Fails with Refused if it does not come.

        Cancelling it takes the order back, if nobody has it yet.
        """
        order = Order(order=kind, turn=turn, model=model, token=token)
        given = Given(name, order, Deferred(lambda _: self._withdraw(given)), self._clock.seconds() + ORDER_SECONDS)
        self._given.setdefault(name, []).append(given)
        given.timer = self._clock.callLater(GLANCE, self._glance, given)
        self._hand_out(name)
        return given.taken

    def wait(self, name: str, seconds: int, look: Callable[[], None]) -> Deferred[tuple[Given, ...]]:
        """Wait for orders, that long; none if none come. Each is to be told of as `read`, or put `back`.

        `look` finds out whether they were read. Cancelling it gives up the place.
        """
        waiting = _Waiting(Deferred(lambda _: self._leave(name, waiting)), look)
        self._waiting.setdefault(name, []).append(waiting)
        waiting.timer = self._clock.callLater(seconds, self._answer, name, waiting, ())
        self._hand_out(name)
        return waiting.taken

    def hurry(self, name: str, taken: Deferred[tuple[Given, ...]]) -> None:
        """What `wait` returned for that agent waits no longer."""
        for waiting in tuple(self._waiting.get(name, ())):
            if waiting.taken is taken:
                self._answer(name, waiting, ())

    def read(self, given: Given) -> None:
        """The program inside the agent has the order."""
        if self._remove(given):
            given.taken.callback(None)

    def back(self, given: Given) -> None:
        """The order may not have been read; the next one who asks is given it, if it comes in time."""
        given.look = None
        self._hand_out(given.name)

    def _hand_out(self, name: str) -> None:
        orders = tuple(given for given in self._given.get(name, ()) if given.look is None)
        waiting = self._waiting.get(name)
        if orders and waiting:
            for given in orders:
                given.look = waiting[0].look
            self._answer(name, waiting[0], orders)

    def _answer(self, name: str, waiting: _Waiting, orders: tuple[Given, ...]) -> None:
        self._leave(name, waiting)
        waiting.taken.callback(orders)

    def _leave(self, name: str, waiting: _Waiting) -> None:
        if waiting.timer is not None and waiting.timer.active():
            waiting.timer.cancel()
        self._waiting[name] = [one for one in self._waiting[name] if one is not waiting]

    def _glance(self, given: Given) -> None:
        if given.look is not None:
            given.look()
        if given not in self._given.get(given.name, ()):
            return
        if self._clock.seconds() >= given.until:
            late = f"the program inside '{given.name}' did not take it within {ORDER_SECONDS:.0f} seconds"
            self._give_up(given, f"{late} ('logs {given.name}' shows what it says)")
        else:
            given.timer = self._clock.callLater(GLANCE, self._glance, given)

    def _give_up(self, given: Given, why: str) -> None:
        if self._remove(given):
            message = f"{why}; nothing was done, as far as is known here"
            given.taken.errback(Refused(message))

    def _withdraw(self, given: Given) -> None:
        self._remove(given)

    def _remove(self, given: Given) -> bool:
        """Whether it was there to be removed."""
        queue = self._given.get(given.name, [])
        if given not in queue:
            return False
        queue.remove(given)
        if given.timer is not None and given.timer.active():
            given.timer.cancel()
        return True
