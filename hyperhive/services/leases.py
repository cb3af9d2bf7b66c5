"""What is leased to agents by `recv` with `max`: until they say what came of it, stop, or fall silent."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from attrs import define, evolve, field, frozen
from twisted.application.service import Service
from twisted.internet.defer import Deferred
from twisted.internet.task import LoopingCall
from twisted.logger import Logger

from hyperhive.services.broker import Broker
from hyperhive.services.feed import Kind
from hyperhive.services.inboxes import Take
from hyperhive.store import leases, turns
from hyperhive.store.database import Connection
from hyperhive.store.mail import Told

_log = Logger()


@frozen
class GivenBack:
    """Leased messages that were queued again, what that told to senders of dead letters, and the turn that it ended."""

    ids: list[int]
    told: Told
    turn: int | None = None


GiveBack = Callable[[Connection], GivenBack]
"""A change that queues an agent's leased mail again."""


@define(eq=False)
class Handed:
    """One take in an agent's hands. `look` finds out whether its answer was read; `read` says what is known."""

    name: str
    take: Take
    look: Callable[[], None]
    read: bool = False


@define(eq=False)
class _Holding:
    handed: list[Handed] = field(factory=list)
    alive_at: float = 0.0


@define(eq=False)
class Leases(Service):
    """The agents' leases. In memory only: after a daemon's restart every lease is given up, marked, unspent."""

    name = "leases"

    _broker: Broker
    _holdings: dict[str, _Holding] = field(factory=dict, init=False)
    _loop: LoopingCall = field(init=False)

    def __attrs_post_init__(self) -> None:
        self._loop = LoopingCall(self._sweep)
        self._loop.clock = self._broker.clock

    def startService(self) -> None:
        """Begin to watch for leases that run out."""
        super().startService()
        self._loop.start(max(1.0, min(30.0, self._broker.limits.lease_seconds / 4)), now=False).addErrback(
            lambda reason: _log.failure("leases no longer run out, and nothing is tried again", failure=reason)
        )

    def stopService(self) -> None:
        """Watch no longer."""
        super().stopService()
        if self._loop.running:
            self._loop.stop()

    def hand(self, name: str, take: Take, look: Callable[[], None]) -> Handed:
        """The agent is being given that take."""
        handed = Handed(name, take, look)
        holding = self._holdings.setdefault(name, _Holding())
        holding.handed.append(handed)
        holding.alive_at = self._broker.clock.seconds()
        return handed

    def hand_again(self, name: str, take: Take) -> None:
        """The agent is at work on what a daemon before this one had given it, and is leased to it again, on disk."""
        self.hand(name, take, lambda: None).read = True
        self._broker.moved(name, [letter.id for letter in take.letters])

    def take_back(self, handed: Handed, *, shown: bool) -> None:
        """The answer was never read, so far as one can know (`shown`), or never written."""
        holding = self._holdings.get(handed.name)
        if holding is not None and handed in holding.handed:
            holding.handed.remove(handed)
            self._broker.inboxes.put_back(handed.name, handed.take.held, shown=shown)

    def alive(self, name: str) -> int:
        """The agent is at work on what it holds; how many messages that is."""
        holding = self._holdings.get(name)
        if holding is None:
            return 0
        holding.alive_at = self._broker.clock.seconds()
        return sum(len(handed.take.letters) for handed in holding.handed)

    def acknowledge(self, name: str, ids: Sequence[int] | None) -> Deferred[int]:
        """Those messages are done; without `ids`, all whose answer is known to have been read. Fires with how many."""
        if ids is None:
            ids = self._known_read(name)
        change = partial(leases.acknowledge, name=name, ids=ids, now=self._broker.now())
        return self._settled(name, change)

    def requeue(self, name: str, ids: Sequence[int] | None, *, spent: bool) -> Deferred[int]:
        """Those messages, or all that are leased to the agent, are queued again. Fires with how many."""
        return self._returned(name, self._giving_back(name, ids, spent=spent, why="it was put back"))

    def stopped(self, name: str, *, crashed: bool) -> Deferred[int]:
        """The agent's container stopped: all that is leased to it is queued again; a crash spends an attempt."""
        return self._returned(name, self.stopping(name, crashed=crashed))

    def stopping(self, name: str, *, crashed: bool) -> GiveBack:
        """The change that `stopped` makes, for a transaction of one's own; give its result to `given_back`.

        The turn that the agent was in is over with it, and what it kept for its end is not sent.
        """
        give_back = self._giving_back(name, None, spent=crashed, why="the agent crashed with it")
        now, why = self._broker.now(), f"the agent {'crashed' if crashed else 'was stopped'} in the middle of it"

        def change(connection: Connection) -> GivenBack:
            return evolve(give_back(connection), turn=turns.interrupt(connection, name, why, now))

        return change

    def given_back(self, name: str, result: GivenBack) -> int:
        """Leased messages of the agent are queued again, on disk; how many."""
        self.left_hands(name, result.ids)
        self._broker.inboxes.arriving(name)
        self._broker.told(result.told)
        if result.turn is not None:
            self._broker.feed.publish(Kind.TURN, result.turn, name)
        return len(result.ids)

    def left_hands(self, name: str, ids: Sequence[int]) -> None:
        """Messages that were leased to the agent are no longer, on disk."""
        self._forget(name, ids)
        self._broker.moved(name, ids)

    def in_hand(self, name: str) -> tuple[list[int], list[int]]:
        """The ids of what is leased to the agent: those whose answer is known to have been read, and the others."""
        read = self._known_read(name)
        holding = self._holdings.get(name, _Holding())
        held = [letter.id for handed in holding.handed for letter in handed.take.letters]
        return read, [id_ for id_ in held if id_ not in set(read)]

    def _giving_back(self, name: str, ids: Sequence[int] | None, *, spent: bool, why: str) -> GiveBack:
        now, limits = self._broker.now(), self._broker.limits

        def change(connection: Connection) -> GivenBack:
            chosen = leases.leased(connection, name, ids)
            told = leases.requeue(connection, chosen, now, spent=spent, limits=limits, why=why)
            return GivenBack(chosen, told)

        return change

    def _settled(self, name: str, change: Callable[[Connection], list[int]]) -> Deferred[int]:
        done: Deferred[int] = Deferred()

        def settled(ids: list[int]) -> None:
            self.left_hands(name, ids)
            done.callback(len(ids))

        self._broker.database.submit(change, settled, done.errback, last=True)
        return done

    def _returned(self, name: str, change: GiveBack) -> Deferred[int]:
        done: Deferred[int] = Deferred()
        self._broker.database.submit(
            change, lambda result: done.callback(self.given_back(name, result)), done.errback, last=True
        )
        return done

    def _known_read(self, name: str) -> list[int]:
        holding = self._holdings.get(name, _Holding())
        for handed in tuple(holding.handed):
            if not handed.read:
                handed.look()
        return [letter.id for handed in holding.handed if handed.read for letter in handed.take.letters]

    def _forget(self, name: str, ids: Sequence[int]) -> None:
        holding = self._holdings.get(name)
        if holding is None:
            return
        gone = set(ids)
        for handed in holding.handed:
            handed.take.letters[:] = [letter for letter in handed.take.letters if letter.id not in gone]
        holding.handed = [handed for handed in holding.handed if handed.take.letters]

    def _sweep(self) -> None:
        self._broker.inboxes.try_again()
        self._broker.settling.try_again()
        now, patience = self._broker.clock.seconds(), self._broker.limits.lease_seconds
        for name, holding in tuple(self._holdings.items()):
            if holding.handed and now - holding.alive_at >= patience:
                ids = [letter.id for handed in holding.handed for letter in handed.take.letters]
                change = self._giving_back(name, ids, spent=True, why="its lease ran out")
                self._returned(name, change).addErrback(
                    lambda reason: _log.failure("leases that ran out stay for now", failure=reason)
                )
