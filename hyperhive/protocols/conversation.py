"""The server side of a conversation: lines to requests, answers to lines, in the order of the requests."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from types import CoroutineType
from typing import Any, Final

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.error import ConnectionDone
from twisted.internet.interfaces import IDelayedCall, IHalfCloseableProtocol
from twisted.internet.protocol import connectionDone
from twisted.logger import Logger
from twisted.protocols.basic import LineReceiver
from twisted.python.failure import Failure
from zope.interface import implementer

from hyperhive.errors import HiveError
from hyperhive.lifeline import Standing, new_lifeline
from hyperhive.limits import MAX_LINE
from hyperhive.protocols.answers import Following, Handed
from hyperhive.protocols.brake import Brake
from hyperhive.protocols.fitting import fitting_line
from hyperhive.protocols.peer import Peer
from hyperhive.protocols.slots import Slot, Slots
from hyperhive.protocols.terms import Terms
from hyperhive.protocols.weights import MOST, weight
from hyperhive.wire.codec import WireError

_log = Logger()

LINGER: Final = 5.0
"""Seconds that a peer which was turned away has to read why."""


@implementer(IHalfCloseableProtocol)
class Conversation(LineReceiver):
    """One connection. Requests sent ahead are taken up at once, and their answers leave in order.

    It stops reading while too many requests wait, or while the peer does not read its answers. Nothing is dropped.
    """

    delimiter = b"\n"
    MAX_LENGTH = MAX_LINE
    transport: Any  # a `twisted.internet.unix.Server`: ITransport lacks half of what it can
    _brake: Brake
    _peer: Peer

    def __init__(self, terms: Terms) -> None:
        self._terms = terms
        self._desk = terms.desk(self.look)
        self._standing = Standing()
        self._life = new_lifeline(self._standing)
        self._slots = Slots()
        self._grouping = False
        self._writes_soon = False
        self._left_having_read_all = False
        self._linger: IDelayedCall | None = None
        self._end_stream: Callable[[], None] | None = None

    def connectionMade(self) -> None:
        """A peer is there, and may not be welcome."""
        self._peer = Peer(self.transport)
        self._brake = Brake(self.pauseProducing, self.resumeProducing, self._glance, self._terms.clock)
        self.transport.registerProducer(self._brake, streaming=True)
        objection = self._terms.objection(self._peer)
        if objection is not None:
            self._turn_away(objection)

    def dataReceived(self, data: bytes) -> None:
        """Take up what the peer asks; what one read brought is answered together."""
        if not self._standing.hears:
            return
        self.look()
        self._grouping = True
        try:
            super().dataReceived(data)
        finally:
            self._grouping = False
        self._write_ready()

    def lineReceived(self, line: bytes) -> None:
        """Take up one request."""
        if not self._standing.hears:
            return
        slot = self._slots.begin()
        self._weigh(slot, 1)
        try:
            request = self._terms.dialect.request(line)
            self._weigh(slot, weight(request) - 1)
            self._await(slot, self._desk.answer(request))
        except (WireError, HiveError) as refusal:
            self._fill(slot, self._terms.dialect.refusal(str(refusal)))
        except Exception:  # noqa: BLE001 - a fault of ours is answered like any other request
            self._failed(slot, Failure())

    def lineLengthExceeded(self, line: bytes) -> None:
        """A line that is too long is refused, and so is all that comes after it."""
        self._turn_away(f"the line is longer than {self.MAX_LENGTH} bytes, which a request may have at most")

    def readConnectionLost(self) -> None:
        """The peer shut down its sending side, or is gone: the end of input alone does not say which."""
        if self._peer.hung_up():
            self._left_having_read_all = not self._peer.owed()
            self.transport.abortConnection()
            return
        if self.clearLineBuffer() and self._standing.hears:
            self._refuse("the last line was cut off; a request ends with a newline")
        self._life.half_close()
        self._desk.hurry()
        self._write_ready()

    def writeConnectionLost(self) -> None:
        """We shut down our sending side; nothing follows from it."""

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """The peer is gone; what it surely read is settled, the rest goes back."""
        read = self._left_having_read_all or (reason.check(ConnectionDone) is not None and not self._peer.owed())
        self._life.lose()
        self._brake.end()
        if self._linger is not None and self._linger.active():
            self._linger.cancel()
        if read:
            self._slots.were_read()
        self._slots.give_up()
        if self._end_stream is not None:
            self._end_stream()
        self._desk.left()
        self._terms.gone(self)

    def look(self) -> None:
        """Find out whether the peer has read all its answers."""
        if self._slots.unread and self._peer.has_read_all():
            self._slots.were_read()

    def close(self) -> None:
        """End the conversation from our side: what the peer is not known to have read goes back."""
        self.look()
        self._slots.give_up()
        self._life.lose()
        self._stop_producing()
        self.transport.loseConnection()

    def write_answer(self, answer: Any) -> None:
        """One more answer of a stream."""
        if not self._standing.gone:
            self.sendLine(self._terms.dialect.line_of_answer(answer))

    def flows(self) -> bool:
        """Whether the peer of a stream keeps up."""
        return not self._brake.unread

    def when_it_flows(self, resume: Callable[[], None]) -> None:
        """What to call when it has caught up."""
        self._brake.eased = resume

    def _weigh(self, slot: Slot, what: int) -> None:
        self._slots.weigh(slot, what)
        if self._slots.weight >= MOST:
            self._brake.hold_for_asking_ahead()

    def _glance(self) -> None:
        if self._peer.asks_no_more():
            self._desk.hurry()

    def _await(self, slot: Slot, answer: Any) -> None:
        if answer.__class__ is CoroutineType:
            answer = Deferred.fromCoroutine(answer)
        if isinstance(answer, Deferred):
            answer.addCallback(partial(self._fill, slot)).addErrback(partial(self._failed, slot))
            answer.addErrback(self._broke)
        else:
            self._fill(slot, answer)

    def _fill(self, slot: Slot, answer: Any) -> None:
        lease = None
        if answer.__class__ is Handed:
            lease, answer = answer.lease, answer.answer
        elif answer.__class__ is Following:
            slot.following, answer = answer, answer.answer
            self._life.follow()
        try:
            slot.line = None if self._standing.gone else fitting_line(self._terms.dialect.line_of_answer, answer)
        finally:
            if slot.line is None and lease is not None:
                lease.was_not_written()
        slot.lease = lease
        if slot.line is not None and not (self._grouping or self._writes_soon):
            self._writes_soon = True
            self._terms.outgoing(self._write_ready)

    def _failed(self, slot: Slot, reason: Failure) -> None:
        if reason.check(HiveError):
            sentence = str(reason.value)
        elif reason.check(CancelledError) and self._standing.gone:
            return
        else:
            _log.failure("a request could not be answered", failure=reason)
            sentence = "an internal error; the daemon's log has it, and nothing more is known here"
        self._fill(slot, self._terms.dialect.refusal(sentence))

    def _broke(self, reason: Failure) -> None:
        """Not even a refusal could be written: better no connection than one that answers no more."""
        _log.failure("a connection is dropped, as it could not be answered", failure=reason)
        self.transport.abortConnection()

    def _write_ready(self) -> None:
        self._writes_soon = False
        ready, following = self._slots.take_ready()
        if ready:
            self.transport.write(self.delimiter.join((*ready, b"")))
        if following is not None:
            self._end_stream = following.begin(self)
        if self._slots.weight < MOST // 2:
            self._brake.ease_for_asking_ahead()
        if self._standing.ends and not self._slots and not self._standing.gone:
            self._finish()

    def _refuse(self, sentence: str) -> None:
        slot = self._slots.begin()
        self._fill(slot, self._terms.dialect.refusal(sentence))

    def _turn_away(self, sentence: str) -> None:
        """Refuse, hear no more, and close once that is read: closing at once could cost the peer the sentence."""
        self._refuse(sentence)
        self.clearLineBuffer()
        self._life.refuse()
        self._desk.hurry()
        self._linger = self._terms.clock.callLater(LINGER, self.transport.abortConnection)
        self._write_ready()

    def _finish(self) -> None:
        self._stop_producing()
        if self._linger is not None and self._linger.active():
            self.transport.loseWriteConnection()
        else:
            self.transport.loseConnection()

    def _stop_producing(self) -> None:
        """Nothing more comes: with a producer that it paused, a transport would wait for more and never close."""
        if self._end_stream is not None:
            self._end_stream()
        self.transport.unregisterProducer()
