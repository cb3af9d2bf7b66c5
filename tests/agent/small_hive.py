"""One agent's socket with a mailbox in memory behind it: the delivery rules that a client can see, and no more."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from attrs import evolve
from twisted.internet.defer import Deferred, succeed
from twisted.internet.protocol import Factory, connectionDone
from twisted.protocols.basic import LineReceiver
from twisted.python.failure import Failure

from hyperhive.wire import agent_requests, responses, turn_requests
from hyperhive.wire.codec import AGENT, WireError
from hyperhive.wire.records import Letter
from hyperhive.wire.states import HarnessState, TurnOutcome
from hyperhive.wire.turns import Order

MOST_ATTEMPTS = 5


class SmallHive:
    """Serves `alice`. What was asked stands in `asked`; `until` waits for it without sleeping."""

    def __init__(self, reactor: Any, path: Path) -> None:
        self.path = str(path)
        self.asked: list[Any] = []
        self.sent: list[agent_requests.Send] = []
        self.kept: list[agent_requests.Send] = []
        self.turns: list[turn_requests.BeginTurn] = []
        self.ended: list[turn_requests.EndTurn] = []
        self.stream: list[str] = []
        self.done: list[int] = []
        self.put_back: list[tuple[int, bool]] = []
        self.dead: list[int] = []
        self.refusals: dict[type[Any], str] = {}
        self.answers: dict[type[Any], responses.AgentResponse] = {}
        self._reactor = reactor
        self._port: Any = None
        self._queued: list[Letter] = []
        self._leased: dict[int, Letter] = {}
        self._attempts: dict[int, int] = {}
        self._last = 0
        self.connections: list[Conversation] = []
        self._watches: list[tuple[Callable[[], Any], Deferred[None]]] = []

    def open(self) -> None:
        """Listen."""
        factory = Factory.forProtocol(lambda: Conversation(self))
        self._port = self._reactor.listenUNIX(self.path, factory)

    async def close(self) -> None:
        """Stop listening and drop every connection; what is leased is queued again, as at a daemon's end."""
        self._queued = sorted(
            [*self._queued, *(evolve(letter, redelivered=True) for letter in self._leased.values())],
            key=lambda letter: letter.id,
        )
        self._leased = {}
        if self._port is not None:
            port, self._port = self._port, None
            await port.stopListening()
        self.drop()
        await self.until(lambda: not self.connections)

    def deliver(self, sender: str, body: str, in_reply_to: int | None = None) -> int:
        """Queue a message to alice; its number."""
        self._last += 1
        self._queued.append(
            Letter(id=self._last, sender=sender, body=body, at=0, redelivered=False, in_reply_to=in_reply_to)
        )
        self._feed()
        return self._last

    def unread(self) -> int:
        """How many messages are queued."""
        return len(self._queued)

    def parked(self) -> bool:
        """Whether somebody waits for mail."""
        return any(connection.parked for connection in self.connections)

    def stands(self, state: HarnessState) -> bool:
        """Whether that is how the agent's program said that it stands."""
        return [asked.state for asked in self.asked if isinstance(asked, turn_requests.Report)][-1:] == [state]

    def until(self, condition: Callable[[], Any]) -> Deferred[None]:
        """Fires when the condition, looked at after everything that happens here, is true."""
        if condition():
            return succeed(None)
        waiting: Deferred[None] = Deferred(lambda it: self._watches.remove((condition, it)))
        self._watches.append((condition, waiting))
        return waiting

    def drop(self) -> None:
        """Break every connection, keeping the door open and what is leased leased."""
        for connection in list(self.connections):
            connection.transport.abortConnection()

    def joined(self, connection: Conversation) -> None:
        self.connections.append(connection)

    def left(self, connection: Conversation) -> None:
        self.connections.remove(connection)
        self._look()

    def answer(self, request: Any, connection: Conversation) -> responses.AgentResponse | None:
        """What a request gets; None for one that waits for mail."""
        self.asked.append(request)
        try:
            if type(request) in self.refusals:
                return responses.Err(self.refusals[type(request)])
            return self.answers.get(type(request)) or self._answer(request, connection)
        finally:
            self._look()

    def _answer(self, request: Any, connection: Conversation) -> responses.AgentResponse | None:
        match request:
            case agent_requests.Recv():
                return self._recv(request, connection)
            case agent_requests.Send(in_turn=True):
                self.kept += [request] * (request not in self.kept)
                return responses.Ok(kept=True)
            case agent_requests.Send():
                self.sent.append(request)
                self._last += 1
                return responses.Ok(id=self._last)
            case turn_requests.BeginTurn():
                self.turns.append(request)
                return responses.Ok(id=len(self.turns))
            case turn_requests.TurnEvents():
                self.stream += request.events
                return responses.Ok()
            case turn_requests.EndTurn():
                return responses.Ok(count=self._end_turn(request))
            case turn_requests.Orders():
                connection.listening = True
                return None
            case agent_requests.GetOpenThreads():
                return responses.OpenThreads(())
            case agent_requests.AckTurn():
                return responses.Ok(count=self._ack(request.ids))
            case agent_requests.RequeueInflight():
                return responses.Ok(count=self._requeue(request.ids, spent=request.spent is not False))
            case agent_requests.Renew():
                return responses.Ok(count=len(self._leased))
            case agent_requests.Status():
                return responses.Status(self.unread())
            case agent_requests.Whoami():
                return responses.Identity("alice", "agent", "testhive", 3)
            case agent_requests.AskOperator():
                return responses.QuestionQueued(7)
            case _:
                return responses.Ok()

    def _recv(self, request: agent_requests.Recv, connection: Conversation) -> responses.AgentResponse | None:
        if not self._queued and request.wait_seconds != 0:
            connection.parked = request
            return None
        if request.max is None:
            if not self._queued:
                return responses.Empty()
            letter = self._queued.pop(0)
            return responses.Message(sender=letter.sender, body=letter.body, id=letter.id)
        taken, self._queued = self._queued[: request.max], self._queued[request.max :]
        self._leased.update({letter.id: letter for letter in taken})
        return responses.Messages(tuple(taken))

    def _ack(self, ids: tuple[int, ...] | None) -> int:
        settled = tuple(self._leased) if ids is None else ids
        self._queued = [letter for letter in self._queued if letter.id not in settled]
        for number in settled:
            self._leased.pop(number, None)
            self.done.append(number)
        return len(settled)

    def _requeue(self, ids: tuple[int, ...] | None, *, spent: bool) -> int:
        returned = tuple(self._leased) if ids is None else ids
        for number in returned:
            letter = evolve(self._leased.pop(number), redelivered=True)
            self.put_back.append((number, spent))
            self._attempts[number] = self._attempts.get(number, 0) + spent
            if self._attempts[number] >= MOST_ATTEMPTS:
                self.dead.append(number)
            else:
                self._queued.append(letter)
        self._queued.sort(key=lambda letter: letter.id)
        return len(returned)

    def _end_turn(self, request: turn_requests.EndTurn) -> int:
        """Twice is once: it may be asked again after a lost connection."""
        if request.turn in {ended.turn for ended in self.ended}:
            return 0
        self.ended.append(request)
        kept, self.kept = self.kept, []
        ids = self.turns[request.turn - 1].ids
        if request.outcome is not TurnOutcome.DONE:
            return self._requeue(ids, spent=request.spent is not False)
        self.sent += [evolve(reply, in_turn=None) for reply in kept]
        return self._ack(ids)

    def order(self, *orders: Order) -> None:
        """Give orders to whoever listens for them."""
        (listener,) = [connection for connection in self.connections if connection.listening]
        listener.listening = False
        listener.say(responses.Orders(orders))

    def listened(self) -> bool:
        """Whether somebody waits for orders."""
        return any(connection.listening for connection in self.connections)

    def _feed(self) -> None:
        for connection in self.connections:
            if self._queued and connection.parked:
                request, connection.parked = connection.parked, None
                connection.say(self._recv(request, connection))
        self._look()

    def _look(self) -> None:
        for watch in list(self._watches):
            condition, waiting = watch
            if watch in self._watches and condition():
                self._watches.remove(watch)
                waiting.callback(None)


class Conversation(LineReceiver):
    """The server's side of one connection."""

    transport: Any
    delimiter = b"\n"
    MAX_LENGTH = 1024 * 1024

    def __init__(self, hive: SmallHive) -> None:
        self._hive = hive
        self.parked: agent_requests.Recv | None = None
        self.listening = False

    def connectionMade(self) -> None:
        self._hive.joined(self)

    def lineReceived(self, line: bytes) -> None:
        try:
            request = AGENT.request(line)
        except WireError as error:
            self.say(responses.Err(str(error)))
        else:
            self.say(self._hive.answer(request, self))

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        self._hive.left(self)

    def say(self, answer: responses.AgentResponse | None) -> None:
        if answer is not None:
            self.sendLine(AGENT.line_of_answer(answer))
