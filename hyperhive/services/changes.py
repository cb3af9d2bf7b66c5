"""Changes as rows: what the feed says changed, looked up as it is now."""

from __future__ import annotations

from collections.abc import Sequence

from attrs import define

from hyperhive.errors import Refused
from hyperhive.services.broker import Broker
from hyperhive.services.feed import Entry, Feed, Kind
from hyperhive.services.roster import Roster
from hyperhive.store import approvals, mail_views, operations, questions, turns
from hyperhive.store.database import Connection
from hyperhive.wire.records import AgentStatus, Change


@define(eq=False)
class Changes:
    """Looks up the rows of changes."""

    _broker: Broker
    _roster: Roster

    @property
    def feed(self) -> Feed:
        """What changed."""
        return self._broker.feed

    async def rows(self, entries: Sequence[Entry]) -> list[Change]:
        """The rows that those entries are about, as they are now, one an entry."""
        agents: dict[str, AgentStatus] = {}
        if any(entry.kind is Kind.AGENT for entry in entries):
            agents = {status.name: status for status in await self._roster.statuses()}

        def look_up(connection: Connection) -> list[Change]:
            return [_change(connection, entry, agents) for entry in entries]

        return await self._broker.database.perform(look_up)

    async def statuses(self, names: set[str] | None) -> list[AgentStatus]:
        """How those agents stand, or all (None); of those that left the hive, nothing."""
        return [status for status in await self._roster.statuses() if names is None or status.name in names]


def _change(connection: Connection, entry: Entry, agents: dict[str, AgentStatus]) -> Change:
    kind = entry.kind.value
    if entry.kind is Kind.AGENT:
        status = agents.get(str(entry.key))
        return Change(kind=kind, agent=status, gone=status is None, name=None if status else str(entry.key))
    id_ = int(entry.key)
    try:
        match entry.kind:
            case Kind.MESSAGE:
                message = mail_views.message(connection, id_)
                return Change(kind=kind, message=message, gone=message is None, id=None if message else id_)
            case Kind.APPROVAL:
                return Change(kind=kind, approval=approvals.one(connection, id_))
            case Kind.QUESTION:
                return Change(kind=kind, question=questions.one(connection, id_))
            case Kind.OPERATION:
                return Change(kind=kind, operation=operations.one(connection, id_))
            case Kind.TURN:
                return Change(kind=kind, turn=turns.one(connection, id_))
    except Refused:
        return Change(kind=kind, gone=True, id=id_)
