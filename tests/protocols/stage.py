"""Conversations over real Unix sockets; the other end is a plain socket, read when the test wants it read."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

from attrs import define, field
from twisted.internet import task
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReadDescriptor, IWriteDescriptor
from twisted.internet.protocol import Factory
from twisted.internet.task import Clock
from twisted.python.failure import Failure
from zope.interface import implementer

from hyperhive.protocols.answers import Desk
from hyperhive.protocols.conversation import Conversation
from hyperhive.protocols.terms import Terms
from hyperhive.wire.codec import Dialect


@implementer(IReadDescriptor, IWriteDescriptor)
class Ready:
    """Fires once its descriptor is readable, or writable."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self.fired: Deferred[None] = Deferred(lambda _: self._forget())

    def fileno(self) -> int:
        return self._descriptor

    def logPrefix(self) -> str:
        return "ready"

    def doRead(self) -> None:
        self._stop()

    def doWrite(self) -> None:
        self._stop()

    def connectionLost(self, reason: Failure) -> None:
        self._stop()

    def _stop(self) -> None:
        self._forget()
        self.fired.callback(None)

    def _forget(self) -> None:
        from twisted.internet import reactor

        reactor.removeReader(self)
        reactor.removeWriter(self)


class Client:
    """A peer: says what it is told to say, and reads only when it is told to."""

    def __init__(self, path: Path) -> None:
        from twisted.internet import reactor

        self._reactor: Any = reactor
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
        self.socket.connect(str(path))
        self._buffer = b""

    async def say(self, *lines: str | bytes) -> None:
        """Write lines, waiting where the other side does not read."""
        data = b"".join((line.encode() if isinstance(line, str) else line) + b"\n" for line in lines)
        await self.say_bytes(data)

    async def say_bytes(self, data: bytes) -> None:
        """Write bytes as they are."""
        while data:
            try:
                data = data[self.socket.send(data) :]
            except BlockingIOError:
                await self._ready(self._reactor.addWriter)

    async def hear_line(self) -> str | None:
        """The next line; None at the end."""
        while b"\n" not in self._buffer:
            try:
                data = self.socket.recv(65536)
            except BlockingIOError:
                await self._ready(self._reactor.addReader)
                continue
            if not data:
                assert not self._buffer, f"a cut-off line: {self._buffer[:100]!r}"
                return None
            self._buffer += data
        line, self._buffer = self._buffer.split(b"\n", 1)
        return line.decode()

    async def hear(self) -> Any:
        """The next answer; None at the end."""
        line = await self.hear_line()
        return None if line is None else json.loads(line)

    async def ask(self, request: str | bytes) -> Any:
        """Say one line and hear one."""
        await self.say(request)
        return await self.hear()

    def has_heard(self) -> bool:
        """Whether something waits to be read."""
        try:
            return bool(self.socket.recv(1, socket.MSG_PEEK))
        except BlockingIOError:
            return False

    def end_sending(self) -> None:
        """Shut down the sending side."""
        self.socket.shutdown(socket.SHUT_WR)

    def leave(self) -> None:
        """Close the socket."""
        self.socket.close()

    async def _ready(self, add: Callable[[Ready], None]) -> None:
        ready = Ready(self.socket.fileno())
        add(ready)
        await ready.fired


class _Speaking(Factory):
    noisy = False

    def __init__(self, terms: Terms, made: list[Conversation]) -> None:
        self._terms, self._made = terms, made

    def buildProtocol(self, _: Any) -> Conversation:
        conversation = Conversation(self._terms)
        self._made.append(conversation)
        return conversation


@define(eq=False)
class Stage:
    """Where conversations are held: `serve` opens a socket for a desk."""

    path: Path
    clock: Clock = field(factory=Clock)
    conversations: list[Conversation] = field(factory=list)
    objection: str | None = None
    _gone: dict[Conversation, Deferred[None]] = field(factory=dict)
    _ports: list[Any] = field(factory=list)
    _clients: list[Client] = field(factory=list)

    def serve(self, dialect: Dialect[Any, Any], desk: Callable[[Callable[[], None]], Desk]) -> None:
        """Listen."""
        from twisted.internet import reactor

        terms = Terms(
            dialect=dialect, desk=desk, clock=self.clock, objection=lambda _: self.objection, gone=self._over
        )  # fmt: skip
        listening: Any = reactor
        self._ports.append(listening.listenUNIX(str(self.path), _Speaking(terms, self.conversations)))

    def client(self) -> Client:
        """A new peer."""
        client = Client(self.path)
        self._clients.append(client)
        return client

    async def met(self, count: int = 1) -> Conversation:
        """The conversation of that many peers' last."""
        while len(self.conversations) < count:
            await turn()
        return self.conversations[count - 1]

    async def gone(self, conversation: Conversation) -> None:
        """Wait for a conversation's end."""
        await self._gone.setdefault(conversation, Deferred())

    def _over(self, conversation: Conversation) -> None:
        gone = self._gone.setdefault(conversation, Deferred())
        if not gone.called:
            gone.callback(None)

    async def close(self) -> None:
        """Have everything end."""
        for client in self._clients:
            client.leave()
        while self._ports:
            await self._ports.pop().stopListening()
        for conversation in self.conversations:
            if not self._gone.setdefault(conversation, Deferred()).called:
                conversation.transport.abortConnection()
                await self._gone[conversation]


async def turn() -> None:
    """One turn of the reactor."""
    from twisted.internet import reactor

    await task.deferLater(reactor, 0)
