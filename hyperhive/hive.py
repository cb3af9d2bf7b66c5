"""The hive as a service: its parts started and stopped in the order that they need."""

from __future__ import annotations

import gc
import os
import resource
import signal
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from twisted.application.service import MultiService, Service
from twisted.internet.defer import Deferred, maybeDeferred
from twisted.logger import ILogObserver, Logger
from twisted.python.failure import Failure

from hyperhive.assembly import assemble, host_desk
from hyperhive.config import OPERATORS, Config
from hyperhive.containers import proc
from hyperhive.errors import HiveError
from hyperhive.logs import json_observer
from hyperhive.notify import notifier
from hyperhive.protocols.admission import Operators
from hyperhive.wire.codec import HOST
from hyperhive.wire.dangers import danger

_log = Logger()

FILES_APART_FROM_AGENTS = 100
"""Open files that the daemon needs beside what its agents take, generously."""
FILES_OF_AN_AGENT = 4
"""At most: its socket, a connection, its first process, and that one's mounts, which `local` has not."""


class Hive(MultiService):
    """The service that `twistd` runs. `MultiService` starts and stops all at once: here the order is by hand."""

    def __init__(self, reactor: Any, config: Config, locks: ExitStack, soft_files: int) -> None:
        super().__init__()
        self._reactor = reactor
        self._config = config
        self._locks = locks
        self._parts = parts = assemble(reactor, config, soft_files)
        self._database = database = parts.mail.broker.database
        for part in (*parts.early, parts.agents.lifecycle, *parts.late):
            part.setServiceParent(self)
        self._notifier = notifier(os.environ, reactor, lambda: database.perform(lambda _: None))
        self._started: Deferred[None] | None = None
        self._opened = False

    def setServiceParent(self, parent: Any) -> None:
        """Join the application; where logs are to be JSON, it is told here, as `twistd` asks it for an observer."""
        if self._config.log_format == "json":
            parent.setComponent(ILogObserver, json_observer())
        super().setServiceParent(parent)

    def privilegedStartService(self) -> None:
        """Nothing here needs more rights than the rest."""

    def startService(self) -> None:
        """Start; what fails ends the daemon with status 1 and a sentence."""
        Service.startService(self)
        self._notifier.start()
        # A terminal that closes would otherwise end the daemon at once, and leave agents that are to end with it.
        signal.signal(signal.SIGHUP, lambda *_: self._reactor.callFromThread(self._hang_up))
        self._started = Deferred.fromCoroutine(self._start()).addErrback(self._broke)

    async def stopService(self) -> None:
        """Stop, and wait at each step: agents (where they end with us), sockets, services, the database."""
        Service.stopService(self)
        self._notifier.stopping()
        if self._started is not None:
            await self._started
        parts = self._parts
        await _stop_each(*reversed(parts.late))
        # Before the agents: one that is being started by then runs, and can be stopped.
        await parts.agents.lifecycle.stopService()
        if self._config.stop_agents and self._opened:
            await parts.agents.lifecycle.stop_all()
        await parts.dashboard.stopService()
        await parts.outside.doors.close_all()
        await _stop_each(*reversed(parts.early))
        await maybeDeferred(parts.outside.containers.close)
        await self._database.close()
        self._notifier.stop()
        self._locks.close()

    def _hang_up(self) -> None:
        if self.running:
            self._reactor.stop()

    async def _start(self) -> None:
        parts = self._parts
        self._database.open()
        await parts.agents.lifecycle.prepare(proc.boot(), parts.outside.containers.kind)
        self._opened = True
        _start_each(*parts.early, parts.agents.lifecycle)
        await parts.outside.configurations.recall()
        for name in await parts.outside.roster.names():
            await parts.outside.doors.open(name)
        await parts.agents.lifecycle.recover()
        _start_each(*parts.late)
        await parts.dashboard.start()
        operators = self._operators()
        await parts.outside.doors.open_host(HOST, host_desk(self._config, parts), operators.objection_to, operators.gid)
        _spare_the_collector()
        self._say_welcome()

    def _operators(self) -> Operators:
        operators = Operators.of(self._config.group)
        if operators.gid is None and operators.group not in (None, OPERATORS):
            _log.warn(
                "the group {group} operates nothing: there is none, or our user is not in it; "
                "mend that ('groupadd --system', 'usermod -aG') and restart the daemon",
                group=operators.group,
            )
        return operators

    def _say_welcome(self) -> None:
        layout, backend = self._config.layout, self._parts.outside.containers
        hivectl = Path(sys.executable).with_name("hivectl")
        _log.info("the hive is up; its sockets are under {run}", run=layout.run)
        self._notifier.ready(f"up; the sockets are under {layout.run}")
        files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
        room = (files - FILES_APART_FROM_AGENTS) // FILES_OF_AN_AGENT
        _log.info("{files} files may be open: room for {room} agents with a connection each", files=files, room=room)
        if not backend.isolates:
            kind = backend.kind
            _log.info("containers are '{kind}', which isolates nobody{danger}", kind=kind, danger=danger(kind))
        _log.info("try next:  export HIVE_HOST_SOCKET={socket}", socket=layout.host_socket)
        for words in ("status", "spawn alice", "send alice 'hello'"):
            _log.info("           {hivectl} {words}", hivectl=hivectl, words=words)

    def _broke(self, reason: Failure) -> None:
        self._notifier.failed(f"the hive can't start: {reason.value}")
        if reason.check(HiveError):
            _log.critical("the hive can't start: {error}", error=reason.value)
        else:
            _log.failure("the hive can't start", failure=reason)
        fail_with_status_1(self._reactor, str(reason.value))


def _spare_the_collector() -> None:
    """What was made so far stays; and mail makes no cycles, so that to look for them more rarely costs nothing."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 50, 50)


def _start_each(*parts: Service) -> None:
    for part in parts:
        part.startService()


async def _stop_each(*parts: Service) -> None:
    for part in parts:
        await maybeDeferred(part.stopService)


def fail_with_status_1(reactor: Any, sentence: str) -> None:
    """End the process with that sentence and status 1, once the reactor has stopped: twistd itself would say 0."""

    def leave() -> None:
        sys.stdout.flush()
        os.write(2, f"hyperhive: {sentence}\n".encode())  # twistd has made sys.stderr a part of its log
        os._exit(1)

    reactor.addSystemEventTrigger("after", "shutdown", leave)
    if reactor.running:
        reactor.stop()
    else:
        reactor.callWhenRunning(reactor.stop)
