"""The tool server's line to the daemon: a connection for each call, so that each can wait, and be given up, by itself.

On asyncio, which the MCP SDK runs on.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Final

import anyio

from hyperhive.limits import DEFAULT_WAIT
from hyperhive.wire.agent_requests import GetOpenThreads, Recv, RequeueInflight, Status, Whoami
from hyperhive.wire.codec import MANAGER, WireError
from hyperhive.wire.manager_requests import GetLogs, Kill, List, ManagerRequest, Restart, Start, Update
from hyperhive.wire.responses import ManagerResponse, Messages
from hyperhive.wire.responses import Status as Unread

_log = logging.getLogger(__name__)

AWAY_SECONDS: Final = 20.0
"""How long a daemon may be away before a call is given up."""
PAUSE_SECONDS: Final = 0.2
"""Between two tries to connect."""
ANSWER_SECONDS: Final = 30.0
"""How long an answer may take, the time that a request may wait by its nature not counted."""
OPERATION_SECONDS: Final = 600.0
"""How long an agent's start or stop is waited for."""
SETTLING_SECONDS: Final = 5.0
"""How long a `recv` that was cancelled may take to put back what it had taken."""
MOST_LINES: Final = 8
"""Connections at once. The agent's socket has 64 for all that runs in its container."""
TURN_SECONDS: Final = 60.0
"""How long a call waits until it is its turn to have one."""
LONGEST_ANSWER: Final = 16 * 1024 * 1024

REPEATABLE: Final = (GetLogs, GetOpenThreads, List, Recv, Status, Whoami)
"""What may be asked again when its answer was lost. What was sent to a `recv` and not read goes back by itself."""


class Unanswered(Exception):
    """The daemon gave no answer; the text says why, and what that means."""


class _Lost(Exception):
    """The connection ended before the answer."""


class Link:
    """The daemon behind the socket at `path`, which may be away for a while; `away_seconds` is how long."""

    def __init__(self, path: str, away_seconds: float = AWAY_SECONDS) -> None:
        self._path = path
        self._away_seconds = away_seconds
        self._free = asyncio.Semaphore(MOST_LINES)

    @asynccontextmanager
    async def asked(self, request: ManagerRequest) -> AsyncIterator[tuple[ManagerResponse, Line]]:
        """The answer to a request, and the connection that it came on, to ask more on.

        Raises Unanswered and WireError. Whoever is cancelled meanwhile leaves nothing waiting, and no mail in hand that
        nobody was told of.
        """
        async with self._place(), self._answered(request) as answered:
            yield answered

    async def put_back(self, taken: ManagerResponse | None) -> None:
        """Queue the mail of an answer again, at no cost of an attempt."""
        if not isinstance(taken, Messages) or not taken.messages:
            return
        with anyio.move_on_after(SETTLING_SECONDS, shield=True):  # whoever asks for this may be cancelled himself
            try:
                line = await self._connected()
                try:
                    await line.ask(RequeueInflight(tuple(one.id for one in taken.messages), spent=False))
                finally:
                    line.drop()
            except (_Lost, Unanswered, WireError) as error:
                _log.warning("mail that nobody reads was not put back, and stays with the turn: %s", error)

    @asynccontextmanager
    async def _place(self) -> AsyncIterator[None]:
        """One of few connections."""
        try:
            async with asyncio.timeout(TURN_SECONDS):
                await self._free.acquire()
        except TimeoutError:
            raise Unanswered(
                f"{MOST_LINES} other calls have gone on for {TURN_SECONDS:g} seconds, so nothing was done;"
                " try again later"
            ) from None
        try:
            yield
        finally:
            self._free.release()

    @asynccontextmanager
    async def _answered(self, request: ManagerRequest) -> AsyncIterator[tuple[ManagerResponse, Line]]:
        line, answer = await self._connected(), None
        try:
            try:
                answer = await line.ask(request)
            except _Lost:
                line.drop()
                if not isinstance(request, REPEATABLE):
                    raise Unanswered(_in_doubt("the daemon closed the connection")) from None
                line = await self._connected()
                answer = await line.ask(request)
            yield answer, line
        except _Lost:
            raise Unanswered("the daemon closed the connection before it answered, twice") from None
        except asyncio.CancelledError:
            if isinstance(request, Recv):
                with anyio.move_on_after(SETTLING_SECONDS, shield=True):
                    await self.put_back(await line.rest() if answer is None else answer)
            raise
        finally:
            line.drop()

    async def _connected(self) -> Line:
        clock = asyncio.get_running_loop().time
        end = clock() + self._away_seconds
        while True:
            try:
                return Line(self._path, *await asyncio.open_unix_connection(self._path, limit=LONGEST_ANSWER))
            except OSError as error:
                if clock() + PAUSE_SECONDS > end:
                    raise Unanswered(
                        f"the hive's daemon has been away for {self._away_seconds:g} seconds"
                        f" ({error.strerror or error}), so nothing was done; try again later"
                    ) from None
            await asyncio.sleep(PAUSE_SECONDS)


class Line:
    """One connection to the daemon; one request at a time."""

    def __init__(self, path: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._path = path
        self._reader = reader
        self._writer = writer

    async def ask(self, request: ManagerRequest) -> ManagerResponse:
        """The answer. Raises Unanswered if it takes too long, and WireError for one that can't be read."""
        seconds = patience(request)
        try:
            async with asyncio.timeout(seconds):
                line = await self._exchange(MANAGER.line_of_request(request) + b"\n")
        except TimeoutError:
            raise Unanswered(_in_doubt(f"the daemon did not answer within {seconds:g} seconds")) from None
        try:
            return MANAGER.answer(line)
        except WireError:
            from hyperhive.protocols.asker import answer_in

            answer: ManagerResponse = answer_in(MANAGER, line, self._path)
            return answer

    async def rest(self) -> ManagerResponse | None:
        """What is still to come of a `recv` that is given up: its mail if it had any, for the daemon hurries then."""
        with suppress(_Lost, WireError, OSError):
            self._writer.write_eof()
            return MANAGER.answer(await self._line())
        return None

    async def unread(self) -> int | None:
        """How many messages wait; None if that can't be known."""
        with suppress(_Lost, Unanswered, WireError):
            answer = await self.ask(Status())
            if isinstance(answer, Unread):
                return answer.unread
        return None

    def drop(self) -> None:
        """Close the connection, at once."""
        self._writer.transport.abort()

    async def _exchange(self, line: bytes) -> bytes:
        with suppress(ConnectionError):  # a daemon that hung up may have said why
            self._writer.write(line)
            await self._writer.drain()
        return await self._line()

    async def _line(self) -> bytes:
        try:
            return (await self._reader.readuntil(b"\n"))[:-1]
        except (asyncio.IncompleteReadError, asyncio.LimitOverrunError, OSError):
            raise _Lost from None


def patience(request: ManagerRequest) -> float:
    """How many seconds the answer to that request may take."""
    match request:
        case Recv(wait_seconds=seconds):
            return ANSWER_SECONDS + (DEFAULT_WAIT if seconds is None else seconds)
        case Kill(wait=wait) | Start(wait=wait) | Restart(wait=wait) | Update(wait=wait) if wait is not False:
            return OPERATION_SECONDS
        case _:
            return ANSWER_SECONDS


def _in_doubt(what: str) -> str:
    return f"{what}, so it is not known whether this was done; look before you ask for it again"
