"""The hive's parts, and how they are joined; nothing is opened or started here."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from attrs import define
from twisted.application.service import Service

from hyperhive.boundaries import IContainers
from hyperhive.config import Config
from hyperhive.containers.local import LocalContainers
from hyperhive.protocols.agent import AgentDesk
from hyperhive.protocols.answers import Desk
from hyperhive.protocols.host import HostDesk
from hyperhive.protocols.manager import ManagerDesk
from hyperhive.services.approvals import Approvals
from hyperhive.services.broker import Broker
from hyperhive.services.changes import Changes
from hyperhive.services.crash_watch import CrashWatch
from hyperhive.services.crashes import Crashes
from hyperhive.services.feed import Feed
from hyperhive.services.labour import Labour
from hyperhive.services.lifecycle import Lifecycle
from hyperhive.services.questions import Questions
from hyperhive.services.retention import Retention
from hyperhive.services.roster import Roster
from hyperhive.services.turns import Turns
from hyperhive.sockets import Doors
from hyperhive.store.database import Database
from hyperhive.store.schema import open_database
from hyperhive.wire.names import MANAGER
from hyperhive.wire.records import Urls


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

    @property
    def services(self) -> tuple[Service, ...]:
        """Those with something to start or stop, in the order of starting."""
        return (
            self.broker,
            self.turns,
            self.approvals,
            self.lifecycle,
            self.questions,
            self.crash_watch,
            self.retention,
        )


def assemble(reactor: Any, config: Config, soft_files: int) -> Parts:
    """Make every part and join them; nothing is opened or started."""
    database = Database(partial(open_database, config.layout.database), reactor, reactor.callFromThread)
    broker = Broker(database, reactor, Feed(reactor.seconds()), config.mail)
    turns = Turns(broker)
    containers = make_containers(reactor, config, soft_files)
    roster = Roster(broker, containers)
    questions = Questions(broker)
    doors = Doors(reactor, config.layout, lambda name, look: agent_desk(config, parts, name, look))
    crashes = Crashes(broker, turns, containers)
    labour = Labour(broker, turns, crashes, containers, doors, config.layout)
    lifecycle = Lifecycle(broker, labour, containers.longest_name)
    approvals = Approvals(broker, lifecycle)
    crash_watch = CrashWatch(crashes, containers, reactor, config.poll_interval)
    lifecycle.after_each(crash_watch.look)
    parts = Parts(
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
    return parts


def make_containers(reactor: Any, config: Config, soft_files: int) -> IContainers:
    """The backend that was chosen."""
    command = config.agent_command or (str(Path(sys.executable).with_name("hive-agent")), "serve")
    return LocalContainers(
        reactor,
        config.layout,
        lambda _: command,
        agent_environment(config),
        grace=config.stop_grace,
        soft_files=soft_files,
    )


def agent_environment(config: Config) -> dict[str, str]:
    """What an agent's program is told by its environment, beside what the backend says; `hive-agent` is on its path."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)])
    runner = {} if config.runner_command is None else {"HIVE_RUNNER_COMMAND": shlex.join(config.runner_command)}
    return {"PATH": path, **runner}


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


def agent_desk(config: Config, parts: Parts, name: str, look: Callable[[], None]) -> Desk:
    """What answers one connection of an agent; the manager's knows more."""
    desk = AgentDesk(
        broker=parts.broker,
        turns=parts.turns,
        questions=parts.questions,
        roster=parts.roster,
        hive=config.hive,
        name=name,
        look=look,
    )
    if name != MANAGER:
        return desk
    return ManagerDesk(agent=desk, approvals=parts.approvals, lifecycle=parts.lifecycle)
