"""The hive's parts, and how they are joined; nothing is opened or started here."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from attrs import define
from twisted.application.service import Service

from hyperhive import agent_toml
from hyperhive.backends import make_containers
from hyperhive.boundaries import IContainers
from hyperhive.config import Config
from hyperhive.dashboard.facts import Facts
from hyperhive.dashboard.services import Services
from hyperhive.dashboard.site import Dashboard
from hyperhive.protocols.agent import AgentDesk
from hyperhive.protocols.answers import Desk
from hyperhive.protocols.host import HostDesk
from hyperhive.protocols.host_console import HostConsoleDesk
from hyperhive.protocols.host_turns import HostTurnDesk
from hyperhive.protocols.manager import ManagerDesk
from hyperhive.repositories.repositories import Repositories
from hyperhive.services.approvals import Approvals
from hyperhive.services.broker import Broker
from hyperhive.services.changes import Changes
from hyperhive.services.configurations import Configurations
from hyperhive.services.crash_watch import CrashWatch
from hyperhive.services.crashes import Crashes
from hyperhive.services.deploys import Deploys
from hyperhive.services.feed import Feed
from hyperhive.services.harnesses import Harnesses
from hyperhive.services.labour import Labour
from hyperhive.services.launches import Launches
from hyperhive.services.leases import Leases
from hyperhive.services.lifecycle import Lifecycle
from hyperhive.services.mailroom import Mailroom
from hyperhive.services.notices import Notices
from hyperhive.services.orders import Orders
from hyperhive.services.proposals import Proposals
from hyperhive.services.pulse import Pulse
from hyperhive.services.questions import Questions
from hyperhive.services.reminders import Reminders
from hyperhive.services.restarts import Restarts
from hyperhive.services.retention import Retention
from hyperhive.services.roster import Roster
from hyperhive.services.sessions import Sessions
from hyperhive.services.turns import Turns
from hyperhive.services.updates import Updates
from hyperhive.services.writing import Writing
from hyperhive.sockets import Doors
from hyperhive.store.database import Database
from hyperhive.store.schema import open_database
from hyperhive.webhook import WebHook
from hyperhive.wire.names import MANAGER
from hyperhive.wire.records import Console, Urls


@define(eq=False)
class Parts:
    """What a hive is made of."""

    database: Database
    containers: IContainers
    doors: Doors
    broker: Broker
    leases: Leases
    turns: Turns
    orders: Orders
    harnesses: Harnesses
    questions: Questions
    reminders: Reminders
    lifecycle: Lifecycle
    approvals: Approvals
    crash_watch: CrashWatch
    restarts: Restarts
    retention: Retention
    roster: Roster
    configurations: Configurations
    pulse: Pulse
    updates: Updates
    sessions: Sessions
    notices: Notices | None
    dashboard: Dashboard

    @property
    def services(self) -> tuple[Service, ...]:
        """Those with something to start or stop, in the order of starting."""
        return (
            self.broker,
            self.leases,
            self.turns,
            self.orders,
            self.approvals,
            self.lifecycle,
            self.questions,
            self.reminders,
            self.crash_watch,
            self.restarts,
            self.retention,
            self.updates,
            *([] if self.notices is None else [self.notices]),
        )


def assemble(reactor: Any, config: Config, soft_files: int) -> Parts:
    """Make every part and join them; nothing is opened or started."""
    database = Database(partial(open_database, config.layout.database), reactor, reactor.callFromThread)
    broker = Broker(database, reactor, Feed(reactor.seconds()), config.mail)
    leases = Leases(broker)
    turns = Turns(broker, leases)
    containers = make_containers(reactor, config, soft_files)
    orders = Orders(reactor)
    roster = Roster(broker, containers)
    questions = Questions(broker)
    doors = Doors(reactor, config.layout, containers, lambda name, look: agent_desk(config, parts, name, look))
    crashes = Crashes(broker, leases, containers, config.restart)
    pulse = Pulse()
    repositories = Repositories(reactor, config.layout, _first_files)
    configurations = Configurations(broker, repositories, containers, config.layout)
    writing = Writing(database, reactor)
    launches = Launches(broker, leases, containers, pulse, writing, configurations)
    deploys = Deploys(broker, containers, repositories, launches, writing)
    labour = Labour(
        broker, leases, crashes, containers, doors, launches, deploys, writing, config.layout, config.restart
    )  # fmt: skip
    lifecycle = Lifecycle(broker, labour, containers.longest_name)
    proposals = Proposals(broker, repositories, configurations)
    approvals = Approvals(broker, lifecycle, proposals)
    crash_watch = CrashWatch(crashes, containers, reactor, config.poll_interval)
    restarts = Restarts(broker, lifecycle, containers, config.restart)
    lifecycle.after_each(crash_watch.look)
    lifecycle.after_each(proposals.tell_soon)
    lifecycle.after_each(restarts.look)
    crashes.after_each(restarts.look)
    sessions = Sessions(broker)
    harnesses = Harnesses(broker, containers, orders)
    services = Services(
        broker=broker,
        mailroom=Mailroom(broker),
        approvals=approvals,
        configurations=configurations,
        questions=questions,
        lifecycle=lifecycle,
        roster=roster,
        changes=Changes(broker, roster),
        turns=turns,
        harnesses=harnesses,
        sessions=sessions,
        urls=Urls(domain=config.domain, home=config.home),
        facts=_facts(config, lambda: parts.dashboard.where),
        hive=config.hive,
    )
    parts = Parts(
        database=database,
        containers=containers,
        doors=doors,
        broker=broker,
        leases=leases,
        turns=turns,
        orders=orders,
        harnesses=harnesses,
        questions=questions,
        reminders=Reminders(broker),
        lifecycle=lifecycle,
        approvals=approvals,
        crash_watch=crash_watch,
        restarts=restarts,
        retention=Retention(broker),
        roster=roster,
        configurations=configurations,
        pulse=pulse,
        updates=Updates(broker, lifecycle, approvals, configurations, containers),
        sessions=sessions,
        notices=_notices(reactor, config, services.changes),
        dashboard=Dashboard(reactor, services, config.dashboard, config.dashboard_url),
    )
    return parts


def _notices(reactor: Any, config: Config, changes: Changes) -> Notices | None:
    """What tells the operator elsewhere, if that is wanted."""
    if config.notify_url is None:
        return None
    return Notices(changes, reactor, WebHook(reactor, config.notify_url, config.dashboard_url).send)


def _first_files(name: str) -> dict[str, bytes]:
    """The files of a new agent's first commit."""
    return {agent_toml.FILE: agent_toml.default(name)}


def _facts(config: Config, console: Callable[[], Console]) -> Facts:
    """What the console says of the hive itself."""
    return Facts(layout=config.layout, mail=config.mail, restart=config.restart, console=console)


def host_desk(config: Config, parts: Parts) -> HostDesk:
    """What answers the operator."""
    return HostDesk(
        broker=parts.broker,
        approvals=parts.approvals,
        configurations=parts.configurations,
        questions=parts.questions,
        lifecycle=parts.lifecycle,
        roster=parts.roster,
        changes=Changes(parts.broker, parts.roster),
        urls=Urls(domain=config.domain, home=config.home),
        turns=HostTurnDesk(parts.turns, parts.harnesses),
        console=HostConsoleDesk(parts.sessions, lambda: parts.dashboard.where),
    )


def agent_desk(config: Config, parts: Parts, name: str, look: Callable[[], None]) -> Desk:
    """What answers one connection of an agent; the manager's knows more."""
    desk = AgentDesk(
        broker=parts.broker,
        leases=parts.leases,
        turns=parts.turns,
        harnesses=parts.harnesses,
        questions=parts.questions,
        reminders=parts.reminders,
        roster=parts.roster,
        hive=config.hive,
        name=name,
        look=look,
        speak=parts.pulse.voice(name),
    )
    if name != MANAGER:
        return desk
    return ManagerDesk(agent=desk, approvals=parts.approvals, lifecycle=parts.lifecycle)
