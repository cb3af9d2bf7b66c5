"""A small client of an agent's own socket: send and receive its mail, blocking (`Hive`) or on Twisted (`connect`).

The manager's socket takes both too. What has no method of its own goes through `ask`, with any request of
`hyperhive.wire.agent_requests` or `hyperhive.wire.manager_requests`. A refusal raises Refused with the hive's
sentence, a connection that can't be made or is lost ConnectionGone, an answer that can't be read WireError.
"""

# ruff: noqa: A002 - `max` is the wire's word

from __future__ import annotations

import os
import socket
from collections.abc import Iterable, Sequence
from contextlib import suppress
from typing import Any, Self, TypeVar, overload

from hyperhive.errors import Refused
from hyperhive.limits import DEFAULT_WAIT, SOCKET_PATH_BYTES
from hyperhive.protocols.asker import LONGEST_ANSWER, Asker, ConnectionGone
from hyperhive.wire.agent_requests import AckTurn, AskOperator, Recv, Renew, RequeueInflight, Send, SetStatus, Whoami
from hyperhive.wire.codec import MANAGER, WireError
from hyperhive.wire.manager_requests import ManagerRequest
from hyperhive.wire.records import Letter
from hyperhive.wire.responses import Empty, Err, Identity, ManagerResponse, Message, Messages, Ok, QuestionQueued

__all__ = ["AsyncHive", "ConnectionGone", "Hive", "Letter", "Message", "Refused", "WireError", "connect"]

Kind = TypeVar("Kind")


class Hive:
    """One connection, for programs without an event loop; to be used by one thread at a time.

    `timeout` is how many seconds an answer may take, the time that `recv` waits for mail not counted. A connection
    on which an answer failed to come is closed: a late one would be taken for the next.
    """

    def __init__(self, path: str | os.PathLike[str], timeout: float = 30.0) -> None:
        self._path = path = connectable(path)
        self._timeout = timeout
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._socket.settimeout(timeout)
        try:
            self._socket.connect(path)
        except OSError as error:
            self._socket.close()
            raise no_daemon(path, error.strerror or str(error)) from error
        self._answers = self._socket.makefile("rb")

    def ask(self, request: ManagerRequest) -> ManagerResponse:
        """The answer to any request."""
        line = MANAGER.line_of_request(request)
        try:
            answer = self._exchange(line, self._timeout + waiting(request))
        except BaseException:
            self.close()
            raise
        try:
            return accepted(MANAGER.answer(answer))
        except WireError:
            from hyperhive.protocols.asker import answer_in

            return accepted(answer_in(MANAGER, answer, self._path))

    def send(self, to: str, body: str, in_reply_to: int | None = None) -> Ok:
        """Send a message. It is on disk when this returns; `id` of the answer (`ids` for `*`, to all) is its number."""
        return expected(Ok, self.ask(Send(to, body, in_reply_to)))

    @overload
    def recv(self, *, wait: int = DEFAULT_WAIT) -> Message | None: ...
    @overload
    def recv(self, *, wait: int = DEFAULT_WAIT, max: int) -> tuple[Letter, ...]: ...
    def recv(self, *, wait: int = DEFAULT_WAIT, max: int | None = None) -> Message | tuple[Letter, ...] | None:
        """A message, or None if none came within `wait` seconds; the next request, or closing, says that it is done.

        With `max`, up to so many messages, each kept for this agent until `ack` or `requeue` names it.
        """
        return received(self.ask(Recv(wait, max)))

    def ack(self, ids: Iterable[int] | None = None) -> int:
        """Messages taken with `max` are done: those, or all that were read. Returns how many were in hand."""
        return counted(self.ask(AckTurn(numbers(ids))))

    def requeue(self, ids: Iterable[int] | None = None, *, spent: bool = True) -> int:
        """Put messages back, those or all; a failed attempt of each, unless `spent` is false. Returns how many."""
        return counted(self.ask(RequeueInflight(numbers(ids), spent)))

    def renew(self) -> int:
        """Keep what is in hand for another hour. Returns how many messages that is."""
        return counted(self.ask(Renew()))

    def ask_operator(
        self, question: str, options: Sequence[str] = (), *, multi: bool = False, ttl: int | None = None
    ) -> int:
        """Ask the operator, who has `ttl` seconds if given. The answer comes as mail from `system` with this number."""
        return expected(QuestionQueued, self.ask(AskOperator(question, tuple(options), multi, ttl))).id

    def whoami(self) -> Identity:
        """Whose socket this is."""
        return expected(Identity, self.ask(Whoami()))

    def set_status(self, text: str) -> None:
        """Say what this agent is doing, for the roster."""
        expected(Ok, self.ask(SetStatus(text)))

    def close(self) -> None:
        """Close the connection, if it is not closed yet."""
        self._answers.close()
        self._socket.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _exchange(self, line: bytes, seconds: float) -> bytes:
        if self._answers.closed:
            raise ConnectionGone("the connection to the daemon is closed; make a new one")
        self._socket.settimeout(seconds)
        try:
            with suppress(BrokenPipeError):  # a daemon that hung up may have said why
                self._socket.sendall(line + b"\n")
            answer = self._answers.readline(LONGEST_ANSWER)
        except TimeoutError:
            raise ConnectionGone(f"the daemon did not answer within {seconds:g} seconds") from None
        except OSError as error:
            raise ConnectionGone(f"the connection to the daemon was lost: {error.strerror}") from error
        if not answer.endswith(b"\n"):
            raise ConnectionGone("the daemon closed the connection before it answered")
        return answer[:-1]


async def connect(reactor: Any, path: str | os.PathLike[str]) -> AsyncHive:
    """A connection to the socket at `path`."""
    from twisted.internet.endpoints import UNIXClientEndpoint, connectProtocol
    from twisted.internet.error import ConnectError

    path = connectable(path)
    try:
        return AsyncHive(await connectProtocol(UNIXClientEndpoint(reactor, path), Asker(MANAGER)))
    except ConnectError as error:
        raise no_daemon(path, os.strerror(error.osError) if error.osError else str(error)) from error


class AsyncHive:
    """One connection on Twisted's reactor: the methods of `Hive`, each to be awaited.

    Several requests may be under way; they are answered in their order. Nothing here has a timeout of its own;
    cancelling a request drops the connection. `asker` tells when it is lost, and can abort it.
    """

    def __init__(self, asker: Asker) -> None:
        self.asker = asker

    async def ask(self, request: ManagerRequest) -> ManagerResponse:
        """The answer to any request."""
        return accepted(await self.asker.ask(request))

    async def send(self, to: str, body: str, in_reply_to: int | None = None) -> Ok:
        """See `Hive.send`."""
        return expected(Ok, await self.ask(Send(to, body, in_reply_to)))

    @overload
    async def recv(self, *, wait: int = DEFAULT_WAIT) -> Message | None: ...
    @overload
    async def recv(self, *, wait: int = DEFAULT_WAIT, max: int) -> tuple[Letter, ...]: ...
    async def recv(self, *, wait: int = DEFAULT_WAIT, max: int | None = None) -> Message | tuple[Letter, ...] | None:
        """See `Hive.recv`."""
        return received(await self.ask(Recv(wait, max)))

    async def ack(self, ids: Iterable[int] | None = None) -> int:
        """See `Hive.ack`."""
        return counted(await self.ask(AckTurn(numbers(ids))))

    async def requeue(self, ids: Iterable[int] | None = None, *, spent: bool = True) -> int:
        """See `Hive.requeue`."""
        return counted(await self.ask(RequeueInflight(numbers(ids), spent)))

    async def renew(self) -> int:
        """See `Hive.renew`."""
        return counted(await self.ask(Renew()))

    async def ask_operator(
        self, question: str, options: Sequence[str] = (), *, multi: bool = False, ttl: int | None = None
    ) -> int:
        """See `Hive.ask_operator`."""
        return expected(QuestionQueued, await self.ask(AskOperator(question, tuple(options), multi, ttl))).id

    async def whoami(self) -> Identity:
        """See `Hive.whoami`."""
        return expected(Identity, await self.ask(Whoami()))

    async def set_status(self, text: str) -> None:
        """See `Hive.set_status`."""
        expected(Ok, await self.ask(SetStatus(text)))

    async def close(self) -> None:
        """Close the connection; returns when it is closed."""
        await self.asker.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()


def waiting(request: ManagerRequest) -> int:
    """How many seconds the daemon may wait before it answers that request."""
    if not isinstance(request, Recv):
        return 0
    return DEFAULT_WAIT if request.wait_seconds is None else request.wait_seconds


def connectable(path: str | os.PathLike[str]) -> str:
    """The path, if a socket can have it; where it can't, Twisted would log a traceback and keep silent."""
    if len(os.fsencode(path)) > SOCKET_PATH_BYTES:
        raise no_daemon(os.fspath(path), f"its path is too long for a socket; {SOCKET_PATH_BYTES} bytes would do")
    return os.fspath(path)


def no_daemon(path: str, reason: str) -> ConnectionGone:
    """What is raised where nobody listens."""
    return ConnectionGone(f"no daemon answers at {path}: {reason}")


def accepted(answer: ManagerResponse) -> ManagerResponse:
    """The answer, unless it is a refusal. Raises Refused."""
    if isinstance(answer, Err):
        raise Refused(answer.message)
    return answer


def expected(kind: type[Kind], answer: ManagerResponse) -> Kind:
    """The answer, which is to be of that kind. Raises WireError."""
    if not isinstance(answer, kind):
        raise WireError(f"the daemon answered with {type(answer).__name__} where {kind.__name__} was expected")
    return answer


def received(answer: ManagerResponse) -> Message | tuple[Letter, ...] | None:
    """What an answer to `recv` brings."""
    if isinstance(answer, Messages):
        return answer.messages
    return None if isinstance(answer, Empty) else expected(Message, answer)


def counted(answer: ManagerResponse) -> int:
    """How many messages an answer speaks of."""
    return expected(Ok, answer).count or 0


def numbers(ids: Iterable[int] | None) -> tuple[int, ...] | None:
    """Messages' numbers as the wire takes them."""
    return None if ids is None else tuple(ids)
