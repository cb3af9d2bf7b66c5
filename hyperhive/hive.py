"""The hive: every part made and joined, started and stopped in the order that they need."""

from __future__ import annotations

import gc
import os
import resource
import shlex
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO

from attrs import define, field
from twisted.application.service import MultiService, Service
from twisted.internet.defer import Deferred, maybeDeferred
from twisted.logger import ILogObserver, Logger
from twisted.python.failure import Failure

from hyperhive.boundaries import IContainers
from hyperhive.config import Config
from hyperhive.containers.local import LocalContainers
from hyperhive.errors import HiveError
from hyperhive.logs import json_observer
from hyperhive.protocols.admission import objection_to
from hyperhive.protocols.agent import AgentDesk
from hyperhive.protocols.answers import Desk
from hyperhive.protocols.host import HostDesk
from hyperhive.protocols.manager import ManagerDesk
from hyperhive.services.approvals import Approvals
from hyperhive.services.broker import Broker
from hyperhive.services.changes import Changes
from hyperhive.services.crash_watch import CrashWatch
from hyperhive.services.feed import Feed
from hyperhive.services.labour import Labour
from hyperhive.services.lifecycle import Lifecycle
from hyperhive.services.questions import Questions
from hyperhive.services.retention import Retention
from hyperhive.services.roster import Roster
from hyperhive.services.turns import Turns
from hyperhive.sockets import Doors
from hyperhive.store import agents, mail
from hyperhive.store.database import Database
from hyperhive.store.schema import open_database
from hyperhive.wire.codec import HOST
from hyperhive.wire.names import MANAGER
from hyperhive.wire.records import Urls

_log = Logger()

BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
FILES_APART_FROM_AGENTS = 100
"""Open files that the daemon needs beside its agents' sockets and connections, generously."""


@define(eq=False)
class Parts:
    """What a hive is made of."""

    database: Database
    containers: IContainers
    doors: Doors
    broker: Broker
    turns: Turns
    questions: Questions
    lifecycle: Lifecycle
    approvals: Approvals
    crash_watch: CrashWatch
    retention: Retention
    roster: Roster


class Hive(MultiService):
    """The service that `twistd` runs. `MultiService` starts and stops all at once: here the order is by hand."""

    def __init__(self, reactor: Any, config: Config, lock: BinaryIO, soft_files: int) -> None:
        super().__init__()
        self._reactor = reactor
        self._config = config
        self._lock = lock
        self._parts = parts = assemble(reactor, config, soft_files)
        for part in (
            parts.broker, parts.turns, parts.questions, parts.lifecycle,
            parts.approvals, parts.crash_watch, parts.retention,
        ):  # fmt: skip
            part.setServiceParent(self)
        self._started: Deferred[None] | None = None

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
        self._started = Deferred.fromCoroutine(self._start()).addErrback(self._broke)

    async def stopService(self) -> None:
        """Stop, and wait at each step: agents (where they end with us), sockets, services, the database."""
        Service.stopService(self)
        if self._started is not None:
            await self._started
        parts = self._parts
        await _stopped(parts.crash_watch, parts.retention, parts.questions)
        if self._config.stop_agents:
            await parts.lifecycle.stop_all()
        await parts.doors.close_all()
        await _stopped(parts.turns, parts.lifecycle, parts.approvals, parts.broker)
        parts.containers.close()
        await parts.database.close()
        self._lock.close()

    async def _start(self) -> None:
        parts = self._parts
        parts.database.open()
        await parts.database.perform(mail.requeue_all)
        await parts.database.perform(agents.add_manager)
        await parts.database.perform(partial(agents.resume_after_reboot, boot=BOOT_ID.read_text().strip()))
        _start(parts.broker, parts.turns, parts.approvals, parts.lifecycle)
        for name in await parts.database.perform(agents.names):
            await parts.doors.open(name)
        parts.containers.watch(parts.crash_watch.look)
        await parts.lifecycle.recover()
        _start(parts.questions, parts.crash_watch, parts.retention)
        await parts.doors.open_host(HOST, host_desk(self._config, parts), objection_to)
        _spare_the_collector()
        self._say_welcome()

    def _say_welcome(self) -> None:
        layout, backend = self._config.layout, self._parts.containers
        hivectl = Path(sys.argv[0]).with_name("hivectl")
        _log.info("the hive is up; its sockets are under {run}", run=layout.run)
        files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
        room = (files - FILES_APART_FROM_AGENTS) // 2
        _log.info("{files} files may be open: room for {room} agents with a connection each", files=files, room=room)
        if not backend.isolates:
            _log.info(
                "containers are '{kind}', which isolates nobody: agents run as this user and can do what it can",
                kind=backend.kind,
            )
        _log.info("try next:  export HIVE_HOST_SOCKET={socket}", socket=layout.host_socket)
        for words in ("status", "spawn alice", "send alice 'hello'"):
            _log.info("           {hivectl} {words}", hivectl=hivectl, words=words)

    def _broke(self, reason: Failure) -> None:
        if reason.check(HiveError):
            _log.critical("the hive can't start: {error}", error=reason.value)
        else:
            _log.failure("the hive can't start", failure=reason)
        fail_with_status_1(self._reactor, str(reason.value))


def assemble(reactor: Any, config: Config, soft_files: int) -> Parts:
    """Make every part and join them; nothing is opened or started."""
    database = Database(partial(open_database, config.layout.database), reactor, reactor.callFromThread)
    broker = Broker(database, reactor, Feed(reactor.seconds()), config.mail)
    turns = Turns(broker)
    containers = make_containers(reactor, config, soft_files)
    roster = Roster(broker, containers)
    questions = Questions(broker)
    desks = _Desks(config.hive, broker, turns, questions, roster)
    doors = Doors(reactor, config.layout, desks.desk)
    lifecycle = Lifecycle(
        broker, Labour(broker, turns, containers, doors, config.layout), containers.longest_name
    )  # fmt: skip
    approvals = Approvals(broker, lifecycle)
    desks.approvals, desks.lifecycle = approvals, lifecycle
    crash_watch = CrashWatch(broker, turns, containers, config.poll_interval)
    lifecycle.after_each(crash_watch.look)
    return Parts(
        database=database,
        containers=containers,
        doors=doors,
        broker=broker,
        turns=turns,
        questions=questions,
        lifecycle=lifecycle,
        approvals=approvals,
        crash_watch=crash_watch,
        retention=Retention(broker),
        roster=roster,
    )


def make_containers(reactor: Any, config: Config, soft_files: int) -> IContainers:
    """The backend that was chosen."""
    command = config.agent_command or (str(Path(sys.executable).with_name("hive-agent")), "serve")
    return LocalContainers(
        reactor,
        config.layout,
        lambda _: command,
        lambda _: agent_environment(config),
        grace=config.stop_grace,
        soft_files=soft_files,
    )


def agent_environment(config: Config) -> dict[str, str]:
    """What an agent's program is told by its environment, beside what the backend says."""
    return {} if config.runner_command is None else {"HIVE_RUNNER_COMMAND": shlex.join(config.runner_command)}


def host_desk(config: Config, parts: Parts) -> HostDesk:
    """What answers the operator."""
    return HostDesk(
        broker=parts.broker,
        approvals=parts.approvals,
        questions=parts.questions,
        lifecycle=parts.lifecycle,
        roster=parts.roster,
        changes=Changes(parts.broker, parts.roster),
        urls=Urls(domain=config.domain, home=config.home),
    )


@define(eq=False)
class _Desks:
    """Makes the desks of agents' connections; the manager's knows more, and is joined last."""

    hive: str
    broker: Broker
    turns: Turns
    questions: Questions
    roster: Roster
    approvals: Approvals = field(init=False)
    lifecycle: Lifecycle = field(init=False)

    def desk(self, name: str, look: Callable[[], None]) -> Desk:
        """A desk for one connection of `name`."""
        desk = AgentDesk(
            broker=self.broker,
            turns=self.turns,
            questions=self.questions,
            roster=self.roster,
            hive=self.hive,
            name=name,
            look=look,
        )
        if name != MANAGER:
            return desk
        return ManagerDesk(agent=desk, approvals=self.approvals, lifecycle=self.lifecycle)


def _spare_the_collector() -> None:
    """What was made so far stays; and mail makes no cycles, so that to look for them more rarely costs nothing."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 50, 50)


def _start(*parts: Service) -> None:
    for part in parts:
        part.startService()


async def _stopped(*parts: Service) -> None:
    for part in parts:
        await maybeDeferred(part.stopService)


def fail_with_status_1(reactor: Any, sentence: str) -> None:
    """End the process with that sentence and status 1, once the reactor has stopped: twistd itself would say 0."""

    def leave() -> None:
        sys.stdout.flush()
        sys.stderr.write(f"hyperhive: {sentence}\n")
        sys.stderr.flush()
        os._exit(1)

    reactor.addSystemEventTrigger("after", "shutdown", leave)
    if reactor.running:
        reactor.stop()
    else:
        reactor.callWhenRunning(reactor.stop)
