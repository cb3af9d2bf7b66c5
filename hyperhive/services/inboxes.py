"""Who waits for mail, and one take at a time from each inbox.

A take asks for as many messages as the inbox's receivers want, hands them out in the order of asking, and puts
back what nobody wants any more before the next take begins: so mail keeps its order whoever leaves when.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from functools import partial

from attrs import define, field, frozen
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure

from hyperhive.store import leases
from hyperhive.store.database import Database
from hyperhive.wire.records import Letter

_log = Logger()

LARGEST_TAKE = 256


@frozen
class Take:
    """Messages leased by the take of that number; none if none came in time."""

    number: int
    letters: list[Letter]

    @property
    def held(self) -> list[tuple[int, int]]:
        """What the lease is known by: each message's id and the take's number."""
        return [(letter.id, self.number) for letter in self.letters]


NOTHING = Take(0, [])


@define(eq=False)
class Receiver:
    """One `recv` that waits. `fits` says how many of some messages its answer has room for."""

    most: int
    seconds: float
    fits: Callable[[list[Letter]], int]
    taken: Deferred[Take]
    timer: IDelayedCall | None = None
    late: bool = False


@define(eq=False)
class _Inbox:
    name: str
    receivers: list[Receiver] = field(factory=list)
    busy: bool = False
    stale: bool = True  # mail may be there: only a take can tell


@define(eq=False)
class Inboxes:
    """The receivers of every inbox. `moved` is told which messages of whom changed hands."""

    _database: Database
    _clock: IReactorTime
    _moved: Callable[[str, list[int]], None]
    _ashore: list[tuple[str, list[tuple[int, int]], bool]] = field(factory=list, init=False)
    _inboxes: dict[str, _Inbox] = field(factory=dict, init=False)
    _numbers: itertools.count[int] = field(factory=lambda: itertools.count(1), init=False)

    def receive(
        self, name: str, most: int, seconds: float, fits: Callable[[list[Letter]], int] = len
    ) -> tuple[Receiver, Deferred[Take]]:
        """Wait for at most so many messages, as many of them as fit, and that long.

        Returns the place in the queue, and what fires with what was leased.

        Cancelling it gives up the place; what was leased meanwhile is put back.
        """
        inbox = self._inbox(name)
        receiver = Receiver(most, seconds, fits, Deferred(lambda _: self._leave(inbox, receiver)), late=seconds <= 0)
        taken = receiver.taken
        inbox.receivers.append(receiver)
        if inbox.stale:
            self._take(inbox)
        elif not inbox.busy:
            self._park(inbox, receiver)
        return receiver, taken

    def hurry(self, name: str, receiver: Receiver) -> None:
        """The receiver waits no longer: it is answered with what a take under way brings it, or with nothing."""
        inbox = self._inbox(name)
        if receiver in inbox.receivers:
            self._late(inbox, receiver)

    def arriving(self, name: str) -> None:
        """Mail for `name` is on disk, or in a change given to the database before this call."""
        inbox = self._inboxes.get(name)
        if inbox is not None:
            inbox.stale = True
            self._take(inbox)

    def claim(self, name: str) -> int | None:
        """The number under which one message to `name` may be leased as it is sent, to somebody who waits for it.

        None where nobody waits, or where other mail may come first. Who gets a number must call `claimed`.
        """
        inbox = self._inboxes.get(name)
        if inbox is None or inbox.busy or inbox.stale or not inbox.receivers:
            return None
        inbox.busy = True
        return self.number()

    def number(self) -> int:
        """The number of a take that is none of ours."""
        return next(self._numbers)

    def claimed(self, name: str, number: int, letters: list[Letter]) -> None:
        """What came of a claim: the message, leased under that number; none, if it was queued or not sent at all."""
        self._taken(self._inboxes[name], number, letters, more=not letters)

    def put_back(self, name: str, held: list[tuple[int, int]], *, shown: bool) -> None:
        """Queue leased messages again; `shown` where somebody may have read them. Tried again if it fails."""
        self._database.submit(
            lambda connection: leases.put_back(connection, held, shown=shown),
            lambda _: self._moved(name, [id_ for id_, _ in held]),
            lambda reason: self._stranded(name, held, reason, shown=shown),
        )
        self.arriving(name)

    def try_again(self) -> None:
        """Put back what could not be put back before."""
        stranded, self._ashore = self._ashore, []
        for name, held, shown in stranded:
            self.put_back(name, held, shown=shown)

    def _stranded(self, name: str, held: list[tuple[int, int]], reason: Failure, *, shown: bool) -> None:
        _log.failure("mail of {name} could not be put back; it is tried again", failure=reason, name=name)
        self._ashore.append((name, held, shown))

    def _inbox(self, name: str) -> _Inbox:
        inbox = self._inboxes.get(name)
        if inbox is None:
            inbox = self._inboxes[name] = _Inbox(name)
        return inbox

    def _take(self, inbox: _Inbox) -> None:
        if inbox.busy or not inbox.receivers or not inbox.stale:
            return
        inbox.busy, inbox.stale = True, False
        wanted = min(sum(receiver.most for receiver in inbox.receivers), LARGEST_TAKE)
        number = next(self._numbers)
        self._database.submit(
            partial(leases.take, name=inbox.name, most=wanted, number=number),
            lambda taken: self._taken(inbox, number, taken.letters, more=taken.more),
            partial(self._failed, inbox),
            last=True,
        )

    def _taken(self, inbox: _Inbox, number: int, letters: list[Letter], *, more: bool) -> None:
        if more:
            inbox.stale = True
        if letters:
            self._moved(inbox.name, [letter.id for letter in letters])
        while letters and inbox.receivers:
            receiver = inbox.receivers.pop(0)
            share = letters[: receiver.most]
            share = share[: receiver.fits(share)]
            letters = letters[len(share) :]
            _answer(receiver, Take(number, share))
        if letters:
            self.put_back(inbox.name, Take(number, letters).held, shown=False)
        # Busy until here: whoever asks while the others are answered must not get what comes after the leftovers.
        inbox.busy = False
        for receiver in tuple(inbox.receivers):
            if not (inbox.stale or inbox.busy) and receiver in inbox.receivers:
                self._park(inbox, receiver)
        self._take(inbox)

    def _failed(self, inbox: _Inbox, reason: Failure) -> None:
        inbox.busy, inbox.stale = False, True
        receivers, inbox.receivers = inbox.receivers, []
        for receiver in receivers:
            _quiet(receiver)
            receiver.taken.errback(reason)

    def _park(self, inbox: _Inbox, receiver: Receiver) -> None:
        if receiver.late:
            inbox.receivers.remove(receiver)
            _answer(receiver, NOTHING)
        elif receiver.timer is None:
            receiver.timer = self._clock.callLater(receiver.seconds, self._late, inbox, receiver)

    def _late(self, inbox: _Inbox, receiver: Receiver) -> None:
        receiver.late = True
        if not inbox.busy:
            self._park(inbox, receiver)

    def _leave(self, inbox: _Inbox, receiver: Receiver) -> None:
        _quiet(receiver)
        if receiver in inbox.receivers:
            inbox.receivers.remove(receiver)


def _answer(receiver: Receiver, take: Take) -> None:
    _quiet(receiver)
    receiver.taken.callback(take)


def _quiet(receiver: Receiver) -> None:
    if receiver.timer is not None and receiver.timer.active():
        receiver.timer.cancel()
