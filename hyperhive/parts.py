"""What a hive is made of, in the groups in which it is made, and the order in which that is started."""

from __future__ import annotations

from attrs import define
from twisted.application.service import Service

from hyperhive.boundaries import IContainers
from hyperhive.dashboard.site import Dashboard
from hyperhive.repositories.repositories import Repositories
from hyperhive.services.approvals import Approvals
from hyperhive.services.broker import Broker
from hyperhive.services.configurations import Configurations
from hyperhive.services.crash_watch import CrashWatch
from hyperhive.services.harnesses import Harnesses
from hyperhive.services.leases import Leases
from hyperhive.services.lifecycle import Lifecycle
from hyperhive.services.notices import Notices
from hyperhive.services.orders import Orders
from hyperhive.services.pulse import Pulse
from hyperhive.services.questions import Questions
from hyperhive.services.reminders import Reminders
from hyperhive.services.restarts import Restarts
from hyperhive.services.retention import Retention
from hyperhive.services.roster import Roster
from hyperhive.services.sessions import Sessions
from hyperhive.services.turns import Turns
from hyperhive.services.updates import Updates
from hyperhive.sockets import Doors


@define(eq=False)
class Mail:
    """What needs nothing beside the tables and the clock."""

    broker: Broker
    leases: Leases
    turns: Turns
    orders: Orders
    questions: Questions
    reminders: Reminders
    retention: Retention
    sessions: Sessions


@define(eq=False)
class Outside:
    """What reaches agents where they are: in containers, at their sockets, in their repositories."""

    containers: IContainers
    doors: Doors
    pulse: Pulse
    repositories: Repositories
    configurations: Configurations
    roster: Roster
    harnesses: Harnesses


@define(eq=False)
class Agents:
    """What starts and stops agents, and what decides about that."""

    lifecycle: Lifecycle
    approvals: Approvals
    updates: Updates
    crash_watch: CrashWatch
    restarts: Restarts


@define(eq=False)
class Parts:
    """What a hive is made of."""

    mail: Mail
    outside: Outside
    agents: Agents
    dashboard: Dashboard
    notices: tuple[Notices, ...]
    """One, or none where nothing was set to tell the operator by."""

    @property
    def early(self) -> tuple[Service, ...]:
        """What is started before agents can speak, in this order, and stopped in the other once they can't."""
        mail = self.mail
        return (mail.broker, self.agents.approvals, mail.leases, mail.turns, mail.orders)

    @property
    def late(self) -> tuple[Service, ...]:
        """What acts by itself: started in this order once it is known which agents run, and stopped first."""
        mail, agents = self.mail, self.agents
        return (
            mail.reminders,
            mail.questions,
            mail.retention,
            agents.restarts,
            agents.crash_watch,
            agents.updates,
            *self.notices,
        )
