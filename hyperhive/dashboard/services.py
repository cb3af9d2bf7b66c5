"""What the console's pages may ask: the hive's services, and who asks."""

from __future__ import annotations

from attrs import define

from hyperhive.dashboard.facts import Facts
from hyperhive.services.approvals import Approvals
from hyperhive.services.broker import Broker
from hyperhive.services.changes import Changes
from hyperhive.services.configurations import Configurations
from hyperhive.services.harnesses import Harnesses
from hyperhive.services.lifecycle import Lifecycle
from hyperhive.services.mailroom import Mailroom
from hyperhive.services.questions import Questions
from hyperhive.services.roster import Roster
from hyperhive.services.sessions import Sessions
from hyperhive.services.turns import Turns
from hyperhive.wire.records import Urls


@define(eq=False, kw_only=True)
class Services:
    """The hive's services, as the pages know them."""

    broker: Broker
    mailroom: Mailroom
    approvals: Approvals
    configurations: Configurations
    questions: Questions
    lifecycle: Lifecycle
    roster: Roster
    changes: Changes
    turns: Turns
    harnesses: Harnesses
    sessions: Sessions
    urls: Urls
    facts: Facts
    hive: str
