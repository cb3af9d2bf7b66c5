"""What a change to the tables did beside its result: gathered in the transaction, announced once it is on disk."""

from __future__ import annotations

from attrs import define, field

from hyperhive.services.feed import Kind
from hyperhive.store import mail
from hyperhive.store.database import Connection
from hyperhive.store.mail import Told
from hyperhive.wire import events
from hyperhive.wire.names import MANAGER


@define
class Effects:
    """What somebody will want to hear of; see `Broker.announce`.

    `told`: messages that were put into inboxes. `rows`: rows that changed, as `Feed.publish` takes them.
    `given_up`: agents that are not started again by themselves, each with the reason.
    """

    told: Told = field(factory=list)
    rows: list[tuple[Kind, int | str, str | None]] = field(factory=list)
    given_up: list[tuple[str, str]] = field(factory=list)

    def tell_manager(self, connection: Connection, event: events.HelperEvent, now: int) -> None:
        """Put an event into the manager's inbox."""
        self.tell(connection, MANAGER, event, now)

    def tell(self, connection: Connection, name: str, event: events.HelperEvent, now: int) -> None:
        """Put an event into an inbox, if there is one of that name."""
        self.told.extend((id_, name) for id_ in mail.tell(connection, name, event, now))
