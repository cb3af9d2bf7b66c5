"""Stays connected to the system bus, says when it can't, and begins again for ever."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from typing import ClassVar

from attrs import define, field
from twisted.internet import defer
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.error import ConnectingCancelledError
from twisted.internet.task import deferLater
from twisted.logger import Logger
from twisted.python.failure import Failure

from hyperhive.containers.bus_session import BusSession
from hyperhive.containers.dbus import IReactor, connect
from hyperhive.errors import ContainerError


@define(eq=False)
class Listening:
    """Keeps a session on the bus at `address`.

    `pauses` gives the seconds before a new attempt, after so many failed ones; `patience` how many an attempt may take.
    """

    _log: ClassVar[Logger] = Logger()

    reactor: IReactor
    address: str
    pauses: Callable[[int], float]
    patience: float

    _hint: Callable[[], None] = field(init=False, default=lambda: None)
    _session: BusSession | None = field(init=False, default=None)
    _why: str = field(init=False, default="it was not opened")
    _since: float = field(init=False, default=0.0)
    _told: bool = field(init=False, default=False)
    _closed: bool = field(init=False, default=False)
    _running: Deferred[None] | None = field(init=False, default=None)
    _waiting: list[Deferred[None]] = field(init=False, factory=list)

    def open(self, hint: Callable[[], None]) -> None:
        """Connect, now and again after every loss; `hint` as of a session, and when one is lost or begun."""
        self._hint = hint
        self._closed = False
        self._why, self._since = "it is not reached yet", self.reactor.seconds()
        self._running = Deferred.fromCoroutine(self._keep_connected())
        self._running.addErrback(self._ended)

    def close(self) -> Deferred[None]:
        """End everything; fires when nothing is left. `hint` is not called any more."""
        self._closed = True
        self._hint = lambda: None
        self._tell()
        if self._running is None:
            return Deferred.fromCoroutine(_nothing())
        if self._session is not None:
            self._session.close()
        else:
            self._running.cancel()
        return self._running

    @property
    def blind(self) -> str | None:
        """Why nothing can be heard now, and since when, as a sentence; None while all is well."""
        if self._session is None:
            since = datetime.fromtimestamp(self._since, UTC).isoformat(timespec="seconds")
            return f"the system bus is gone since {since}: {self._why}"
        return self._session.deaf

    async def reached(self, seconds: float) -> None:
        """Wait until the bus and systemd are there, but no longer: both go for a moment when they are restarted."""
        until = self.reactor.seconds() + seconds
        while self.blind is not None and not self._closed and (left := until - self.reactor.seconds()) > 0:
            news: Deferred[None] = Deferred()
            self._waiting.append(news)
            with suppress(defer.TimeoutError):
                await news.addTimeout(left, self.reactor)

    def session(self) -> BusSession:
        """The session of this moment; raises ContainerError if there is none."""
        if self._session is None:
            raise ContainerError(f"the system bus is gone: {self._why}")
        return self._session

    async def _keep_connected(self) -> None:
        failures = 0
        while not self._closed:
            try:
                session = await self._begin()
            except ContainerError as error:
                failures += 1
                self._goes_blind(str(error))
            else:
                failures = 0
                self._sees(session)
                self._goes_blind(await session.connection.ended)
            if not self._closed:
                await deferLater(self.reactor, self.pauses(failures))

    async def _begin(self) -> BusSession:
        session = BusSession(self.reactor, self._tell)
        session.connection = await connect(self.reactor, self.address, session.heard, self.patience)
        try:
            await session.listen()
        except Exception:
            session.close()
            await session.connection.ended
            raise
        return session

    def _sees(self, session: BusSession) -> None:
        self._session = session
        if self._told:
            self._log.info("the system bus is back")
            self._told = False
        self._tell()

    def _goes_blind(self, why: str) -> None:
        session, self._session, self._why = self._session, None, why
        if not (self._closed or self._told):
            self._log.warn("the system bus is gone: {why}; the crash watch polls until it is back", why=why)
            self._told = True
        if session is not None:
            self._since = self.reactor.seconds()
            session.lost()
            self._tell()

    def _tell(self) -> None:
        waiting, self._waiting = self._waiting, []
        for one in waiting:
            one.callback(None)
        with self._log.failuresHandled("the crash watch could not take a hint"):
            self._hint()

    def _ended(self, failure: Failure) -> None:
        if not (self._closed and failure.check(CancelledError, ConnectingCancelledError)):
            self._log.failure("the system bus is not listened to any more", failure)


async def _nothing() -> None: ...
