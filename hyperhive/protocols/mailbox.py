"""Mail over a socket: what agents and the manager share, for one connection."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Final

import orjson
from attrs import define, field, frozen
from twisted.internet.defer import Deferred

from hyperhive.errors import Refused
from hyperhive.limits import LARGEST_BATCH, MAX_LINE, batch_wait, seed_wait
from hyperhive.protocols.answers import Handed
from hyperhive.services.broker import Broker
from hyperhive.services.inboxes import Receiver, Take
from hyperhive.services.leases import Handed as HandedToAgent
from hyperhive.services.leases import Leases
from hyperhive.services.turns import Turns
from hyperhive.store.mail import Post
from hyperhive.wire import agent_requests as ask
from hyperhive.wire import responses
from hyperhive.wire.names import EVERYONE, OPERATOR
from hyperhive.wire.records import Letter

ROW_BYTES: Final = 256
"""What the fields of a row take beside its body, generously."""


@define(eq=False)
class Mailbox:
    """The mail of the agent `name`, over one connection. `look` finds out whether the peer has read its answers."""

    _broker: Broker
    _leases: Leases
    _turns: Turns
    _name: str
    _look: Callable[[], None]
    _waiting: dict[Receiver, Deferred[Take]] = field(factory=dict, init=False)

    def send(self, request: ask.Send) -> Deferred[responses.Ok]:
        """Send a message as this agent, from the turn that it is in where the request says so."""
        post = Post(
            sender=self._name,
            to=request.to,
            body=request.body,
            at=self._broker.now(),
            in_reply_to=request.in_reply_to,
        )
        answer = response_with_ids if request.to == EVERYONE else response_with_id
        if request.in_turn:
            sent = Deferred.fromCoroutine(self._turns.send(post))
            return sent.addCallback(lambda ids: responses.Ok(kept=True) if ids is None else answer(ids))
        return self._broker.send(post).addCallback(answer)

    def recv(self, request: ask.Recv) -> Deferred[Handed | responses.Empty | responses.Messages]:
        """Wait for mail."""
        if request.max is None:
            return self._receive(1, seed_wait(request.wait_seconds)).addCallback(self._one)
        if not 1 <= request.max <= LARGEST_BATCH:
            message = f"recv: 'max' must be a whole number from 1 to {LARGEST_BATCH}, not {request.max}"
            raise Refused(message)
        return self._receive(request.max, batch_wait(request.wait_seconds)).addCallback(self._several)

    def operator_msg(self, request: ask.OperatorMsg) -> Deferred[responses.Ok]:
        """The operator's words, as far as one can know from inside the container."""
        post = Post(sender=OPERATOR, to=self._name, body=request.body, at=self._broker.now(), via="self")
        return self._broker.send(post).addCallback(response_with_id)

    def hurry(self) -> None:
        """Whatever waits is answered with what there is."""
        for receiver in tuple(self._waiting):
            self._broker.inboxes.hurry(self._name, receiver)

    def left(self) -> None:
        """Whatever waits is given up."""
        for taken in tuple(self._waiting.values()):
            taken.cancel()

    def _receive(self, most: int, seconds: int) -> Deferred[Take]:
        receiver, taken = self._broker.inboxes.receive(self._name, most, seconds, _fitting)
        if not taken.called:
            self._waiting[receiver] = taken
            taken.addBoth(partial(self._received, receiver))
        return taken

    def _received(self, receiver: Receiver, result: Take) -> Take:
        self._waiting.pop(receiver, None)
        return result

    def _one(self, take: Take) -> Handed | responses.Empty:
        if not take.letters:
            return responses.Empty()
        letter = take.letters[0]
        answer = responses.Message(
            sender=letter.sender,
            body=letter.body,
            id=letter.id,
            redelivered=letter.redelivered,
            in_reply_to=letter.in_reply_to,
            via=letter.via,
        )
        return Handed(answer, ConnectionLease(self._broker, self._name, take))

    def _several(self, take: Take) -> Handed | responses.Messages:
        answer = responses.Messages(tuple(take.letters))
        if not take.letters:
            return answer
        return Handed(answer, TurnLease(self._leases, self._leases.hand(self._name, take, self._look)))


@frozen
class ConnectionLease:
    """A message leased to the connection: it is done when it was read."""

    _broker: Broker
    _name: str
    _take: Take

    def was_read(self) -> None:
        """It is done."""
        self._broker.settling.read(self._name, self._take.held)

    def was_not_read(self) -> None:
        """It is queued again, marked."""
        self._broker.inboxes.put_back(self._name, self._take.held, shown=True)

    def was_not_written(self) -> None:
        """It is queued again as if nothing had been."""
        self._broker.inboxes.put_back(self._name, self._take.held, shown=False)


@frozen
class TurnLease:
    """Messages leased to the agent: once they were read, it says what came of them."""

    _leases: Leases
    _handed: HandedToAgent

    def was_read(self) -> None:
        """The agent has them, and may acknowledge them without naming them."""
        self._handed.read = True

    def was_not_read(self) -> None:
        """They are queued again, marked."""
        self._leases.take_back(self._handed, shown=True)

    def was_not_written(self) -> None:
        """They are queued again as if nothing had been."""
        self._leases.take_back(self._handed, shown=False)


def response_with_id(ids: Sequence[int]) -> responses.Ok:
    """The answer to one message sent."""
    return responses.Ok(id=ids[0])


def response_with_ids(ids: Sequence[int]) -> responses.Ok:
    """The answer to a message sent to everyone."""
    return responses.Ok(ids=tuple(ids))


def _fitting(letters: list[Letter]) -> int:
    """How many of the letters fit on one line together: at least one, if there is one."""
    room = MAX_LINE
    for count, letter in enumerate(letters):
        room -= len(orjson.dumps(letter.body)) + ROW_BYTES
        if room < 0 and count > 0:
            return count
    return len(letters)
