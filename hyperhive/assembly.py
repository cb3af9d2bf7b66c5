"""Making the hive's parts and joining them; nothing is opened or started here."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from hyperhive import agent_toml
from hyperhive.backends import make_containers
from hyperhive.config import Config
from hyperhive.dashboard.facts import Facts
from hyperhive.dashboard.services import Services
from hyperhive.dashboard.site import Dashboard
from hyperhive.parts import Agents, Mail, Outside, Parts
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


def assemble(reactor: Any, config: Config, soft_files: int) -> Parts:
    """Make every part and join them; nothing is opened or started."""
    mail = _mail(reactor, config)
    outside = _outside(reactor, config, soft_files, mail, lambda name, look: agent_desk(config, parts, name, look))
    agents = _agents(reactor, config, mail, outside)
    services = _services(config, mail, outside, agents, lambda: parts.dashboard.where)
    parts = Parts(
        mail=mail,
        outside=outside,
        agents=agents,
        notices=tuple(_notices(reactor, config, services.changes)),
        dashboard=Dashboard(reactor, services, config.dashboard, config.dashboard_url),
    )
    return parts


def _mail(reactor: Any, config: Config) -> Mail:
    database = Database(partial(open_database, config.layout.database), reactor, reactor.callFromThread)
    broker = Broker(database, reactor, Feed(reactor.seconds()), config.mail)
    leases = Leases(broker)
    return Mail(
        broker=broker,
        leases=leases,
        turns=Turns(broker, leases),
        orders=Orders(reactor),
        questions=Questions(broker),
        reminders=Reminders(broker),
        retention=Retention(broker),
        sessions=Sessions(broker),
    )


def _outside(
    reactor: Any, config: Config, soft_files: int, mail: Mail, desk: Callable[[str, Callable[[], None]], Desk]
) -> Outside:
    """`desk` makes what answers a connection of the agent of that name."""
    containers = make_containers(reactor, config, soft_files)
    repositories = Repositories(reactor, config.layout, _first_files)
    return Outside(
        containers=containers,
        doors=Doors(reactor, config.layout, containers, desk),
        pulse=Pulse(),
        repositories=repositories,
        configurations=Configurations(mail.broker, repositories, containers, config.layout),
        roster=Roster(mail.broker, containers),
        harnesses=Harnesses(mail.broker, containers, mail.orders),
    )


def _first_files(name: str) -> dict[str, bytes]:
    """The files of a new agent's first commit."""
    return {agent_toml.FILE: agent_toml.default(name)}


def _agents(reactor: Any, config: Config, mail: Mail, outside: Outside) -> Agents:
    broker, containers, configurations = mail.broker, outside.containers, outside.configurations
    crashes = Crashes(broker, mail.leases, containers, config.restart)
    lifecycle = _lifecycle(reactor, config, mail, outside, crashes)
    proposals = Proposals(broker, outside.repositories, configurations)
    approvals = Approvals(broker, lifecycle, proposals)
    crash_watch = CrashWatch(crashes, containers, reactor, config.poll_interval)
    restarts = Restarts(broker, lifecycle, containers, config.restart)
    for hint in (crash_watch.look, proposals.tell_soon, restarts.look):
        lifecycle.after_each(hint)
    crashes.after_each(restarts.look)
    return Agents(
        lifecycle=lifecycle,
        approvals=approvals,
        updates=Updates(broker, lifecycle, approvals, configurations, containers),
        crash_watch=crash_watch,
        restarts=restarts,
    )


def _lifecycle(reactor: Any, config: Config, mail: Mail, outside: Outside, crashes: Crashes) -> Lifecycle:
    broker, leases, containers = mail.broker, mail.leases, outside.containers
    writing = Writing(broker.database, reactor)
    launches = Launches(broker, leases, containers, outside.pulse, writing, outside.configurations)
    deploys = Deploys(broker, containers, outside.repositories, launches, writing)
    labour = Labour(
        broker, leases, crashes, containers, outside.doors, launches, deploys, writing, config.layout, config.restart
    )  # fmt: skip
    return Lifecycle(broker, labour, containers.longest_name)


def _services(config: Config, mail: Mail, outside: Outside, agents: Agents, console: Callable[[], Console]) -> Services:
    """What the console's pages may ask; `console` says where it is now."""
    return Services(
        broker=mail.broker,
        mailroom=Mailroom(mail.broker),
        approvals=agents.approvals,
        configurations=outside.configurations,
        questions=mail.questions,
        lifecycle=agents.lifecycle,
        roster=outside.roster,
        changes=Changes(mail.broker, outside.roster),
        turns=mail.turns,
        harnesses=outside.harnesses,
        sessions=mail.sessions,
        urls=Urls(domain=config.domain, home=config.home),
        facts=Facts(
            layout=config.layout,
            mail=config.mail,
            restart=config.restart,
            network=config.nspawn.network,
            console=console,
        ),
        hive=config.hive,
    )


def _notices(reactor: Any, config: Config, changes: Changes) -> Iterator[Notices]:
    """What tells the operator elsewhere, if that is wanted."""
    if config.notify_url is not None:
        yield Notices(changes, reactor, WebHook(reactor, config.notify_url, config.dashboard_url).send)


def host_desk(config: Config, parts: Parts) -> HostDesk:
    """What answers the operator."""
    return HostDesk(
        broker=parts.mail.broker,
        approvals=parts.agents.approvals,
        configurations=parts.outside.configurations,
        questions=parts.mail.questions,
        lifecycle=parts.agents.lifecycle,
        roster=parts.outside.roster,
        changes=Changes(parts.mail.broker, parts.outside.roster),
        urls=Urls(domain=config.domain, home=config.home),
        turns=HostTurnDesk(parts.mail.turns, parts.outside.harnesses),
        console=HostConsoleDesk(parts.mail.sessions, lambda: parts.dashboard.where),
    )


def agent_desk(config: Config, parts: Parts, name: str, look: Callable[[], None]) -> Desk:
    """What answers one connection of an agent; the manager's knows more."""
    desk = AgentDesk(
        broker=parts.mail.broker,
        leases=parts.mail.leases,
        turns=parts.mail.turns,
        harnesses=parts.outside.harnesses,
        questions=parts.mail.questions,
        reminders=parts.mail.reminders,
        roster=parts.outside.roster,
        hive=config.hive,
        name=name,
        look=look,
        speak=parts.outside.pulse.voice(name),
    )
    if name != MANAGER:
        return desk
    return ManagerDesk(agent=desk, approvals=parts.agents.approvals, lifecycle=parts.agents.lifecycle)
