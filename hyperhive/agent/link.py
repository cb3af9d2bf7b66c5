"""The agent's line to the daemon, which outlives the daemon's restarts."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any, ClassVar, Final

from twisted.application.internet import backoffPolicy
from twisted.internet.defer import CancelledError, Deferred, succeed
from twisted.internet.error import ConnectingCancelledError
from twisted.internet.task import deferLater
from twisted.logger import Logger

from hyperhive.client import AsyncHive, ConnectionGone, Refused, WireError, connect
from hyperhive.protocols.asker import WrongSocket
from hyperhive.wire.manager_requests import ManagerRequest
from hyperhive.wire.responses import Identity

RETRY: Final = backoffPolicy(initialDelay=0.1, maxDelay=15.0)
"""Seconds before the n-th try to connect; up to one is random, for agents that lost their daemon together."""


class Link:
    """One conversation with the daemon over as many connections as it takes.

    It connects from `start` to `stop`, says on every new connection whom it speaks for, and logs an outage once. A
    `silent` one logs nothing of that: it goes where another one goes.
    """

    _log: ClassVar[Logger] = Logger()

    def __init__(self, reactor: Any, path: str, retry: Callable[[int], float] = RETRY, *, silent: bool = False) -> None:
        self._reactor = reactor
        self._path = path
        self._retry = retry
        self._silent = silent
        self._given_up = False
        self._me: Identity | None = None
        self._hive: AsyncHive | None = None
        self._waiting: list[Deferred[AsyncHive]] = []
        self._keeping: Deferred[None] = succeed(None)
        self._stopped = False

    def start(self) -> Deferred[None]:
        """Connect, now and whenever the connection is lost. Fires when stopped; may fail with WrongSocket."""
        self._keeping = Deferred.fromCoroutine(self._keep_connected())
        return self._keeping.addErrback(lambda failure: failure.trap(CancelledError, ConnectingCancelledError) and None)

    def stop(self) -> Deferred[None]:
        """Drop the connection, and cancel what waits for one; fires when it is gone."""
        self._stopped = True
        for waiting in list(self._waiting):
            waiting.cancel()
        self._keeping.cancel()
        if self._hive is None:
            return succeed(None)
        self._hive.asker.abort()
        return self._hive.asker.when_lost()

    async def ask(self, request: ManagerRequest) -> Any:
        """The answer to a request, which is made again on every new connection until one answers it.

        What a lost connection left unanswered may have been done all the same. Raises Refused and WireError. To
        cancel it drops the connection, and a new one is made at once.
        """
        while True:
            hive = await self._connected()
            try:
                with suppress(ConnectionGone):
                    return await hive.ask(request)
            except CancelledError:
                self._given_up = True
                raise

    async def whoami(self) -> Identity:
        """Whom this line speaks for, as the daemon said when it was connected last; waits until it once was."""
        if self._me is None:
            await self._connected()
        assert self._me is not None  # who is connected was told
        return self._me

    def _connected(self) -> Deferred[AsyncHive]:
        if self._hive is not None and not self._hive.asker.gone and not self._given_up:
            return succeed(self._hive)
        waiting: Deferred[AsyncHive] = Deferred(self._waiting.remove)
        self._waiting.append(waiting)
        return waiting

    async def _keep_connected(self) -> None:
        failures = 0
        reported = self._silent
        while True:
            try:
                hive = await self._introduced()
            except WrongSocket:
                raise
            except (ConnectionGone, Refused, WireError) as error:
                failures += 1
                if not reported:
                    self._log.warn("{error}; trying until it works", error=error)
                reported = True
            else:
                await hive.asker.when_lost()
                if self._stopped:  # by one whom the connection woke; cancelling did not reach us then
                    return
                if self._given_up:  # by ourselves, so that there is nothing to tell and nothing to wait for
                    failures, reported = 0, self._silent
                    continue
                if not self._silent:
                    self._log.warn("the daemon closed the connection; trying until it is back")
                failures, reported = 1, True
            await deferLater(self._reactor, self._retry(failures))

    async def _introduced(self) -> AsyncHive:
        hive = await connect(self._reactor, self._path)
        try:
            self._me = me = await hive.whoami()
        except Exception:
            hive.asker.abort()
            raise
        if not self._silent and not self._given_up:
            self._log.info("connected as {me.name} ({me.role}) of {me.hive}, start {me.generation}", me=me)
        self._hive, self._given_up = hive, False
        waiting, self._waiting = self._waiting, []
        for waiter in waiting:
            waiter.callback(hive)
        return hive
