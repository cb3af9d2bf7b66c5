"""The mailroom: mail to look through, by its words and otherwise, and to open one by one."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from attrs import define, frozen
from twisted.internet.defer import Deferred

from hyperhive.errors import DatabaseTrouble, Refused
from hyperhive.services.broker import Broker
from hyperhive.store import mail_search, mail_views
from hyperhive.store.mail_search import Wanted
from hyperhive.store.mail_views import Opened
from hyperhive.wire.records import MessageRow

_LESS = f"only the last {mail_search.SEEN_WITHOUT_INDEX} messages were searched, for these letters anywhere in them."
NO_INDEX = f"This Python's SQLite knows no full-text search (FTS5): {_LESS}"
STALE_INDEX = f"The index of words could not be brought up to date: {_LESS}"


@frozen(kw_only=True)
class Found:
    """What a search found, newest first, bodies cut. `before`: where to go on, None where nothing is left.

    `note` is a sentence where less was searched than there is.
    """

    rows: Sequence[MessageRow]
    before: int | None
    note: str | None = None


@define(eq=False)
class Mailroom:
    """Finds and opens mail, in changes that are short each: what is being sent waits for none of them long."""

    _broker: Broker

    async def find(self, wanted: Wanted, before: int | None, most: int) -> Found:
        """The next `most` messages that are wanted, with ids below `before`."""
        perform = self._broker.database.perform
        note = await self._index() if wanted.terms else None
        lowest = 0 if note is None else await perform(mail_search.lowest)
        rows: list[MessageRow] = []
        go_on: int | None = 2**63 - 1 if before is None else before
        while go_on is not None and go_on > lowest and len(rows) < most:
            look = partial(mail_search.look, wanted=wanted, before=go_on, most=most - len(rows), indexed=note is None)
            found, go_on = await perform(look)
            rows += found
        left = go_on if go_on is not None and go_on > lowest else None
        return Found(rows=[row for row in rows if row.id > lowest], before=left, note=note)

    async def _index(self) -> str | None:
        """Bring the index up to date; why it can't be used, None where it can."""
        perform = self._broker.database.perform
        try:
            if not await perform(mail_search.has_index):
                return NO_INDEX
            while await perform(mail_search.index):
                pass
        except DatabaseTrouble:  # a full disk, say: mail can be read all the same
            return STALE_INDEX
        return None

    def to_operator(self) -> Deferred[int]:
        """How much mail there is to the operator, without the hive's own; `mail_search.MOST_COUNTED` at most."""
        return self._broker.database.perform(mail_search.to_operator)

    async def open(self, id_: int) -> Opened:
        """One message with its conversation. Fails with Refused where there is none, or it was swept."""
        opened = await self._broker.database.perform(partial(mail_views.opened, id_=id_))
        if opened is None:
            message = f"there is no message {id_}, or it was done long ago and is forgotten"
            raise Refused(message)
        return opened
