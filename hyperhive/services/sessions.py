"""Who is let into the console: links that open it once, and the sessions that they begin."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Final

from attrs import define, field
from twisted.internet.defer import Deferred

from hyperhive.errors import DatabaseTrouble, Refused
from hyperhive.limits import LINK_SECONDS, MOST_LINKS, SESSION_SEEN
from hyperhive.services.broker import Broker
from hyperhive.store import sessions
from hyperhive.wire.records import Session

LABEL_BYTES: Final = 8
"""Whoever guesses has to ask the console about each guess."""


@define(eq=False)
class Sessions:
    """Gives out links, opens sessions by them, and knows a session by its key. Links are in memory alone."""

    _broker: Broker
    _links: dict[str, tuple[float, bool]] = field(factory=dict, init=False)
    _endings: list[Callable[[int], None]] = field(factory=list, init=False)

    def link(self, *, read_only: bool) -> str:
        """A new word that opens the console once, within a minute. Raises Refused where many wait unused."""
        now = self._broker.clock.seconds()
        self._links = {word: (until, only) for word, (until, only) in self._links.items() if until > now}
        if len(self._links) >= MOST_LINKS:
            message = f"{MOST_LINKS} links wait to be opened; open one of them, or wait a minute"
            raise Refused(message)
        word = secrets.token_urlsafe(32)
        self._links[_hashed(word)] = (now + LINK_SECONDS, read_only)
        return word

    async def open(self, word: str, client: str) -> str:
        """Begin a session by a link's word; its key, which nobody is told again.

        Fails with Refused, or with DatabaseTrouble: the link is then good for another try.
        """
        until, read_only = link = self._links.pop(_hashed(word), (0.0, False))
        if until <= self._broker.clock.seconds():
            message = "this link was used already, or is older than a minute; 'hivectl dashboard' makes a new one"
            raise Refused(message)
        key = secrets.token_urlsafe(32)
        change = partial(
            sessions.add, key=_hashed(key), client=client[:200], now=self._broker.now(), read_only=read_only
        )
        try:
            await self._broker.database.perform(change)
        except DatabaseTrouble:
            self._links[_hashed(word)] = link
            raise
        return key

    async def of(self, key: str, *, counts: bool = True) -> Session | None:
        """The session of that key; None if there is none, or it has run out.

        `counts`: it was a person who asked, and the session idles no more. That this can't be written down does
        not keep anybody out. Fails with DatabaseTrouble.
        """
        now = self._broker.now()
        session = await self._broker.database.perform(partial(sessions.found, key=_hashed(key), now=now))
        if session is not None and counts and now - session.seen_at >= SESSION_SEEN:
            with suppress(DatabaseTrouble):
                await self._broker.database.perform(partial(sessions.seen, id_=session.id, now=now))
        return session

    def listed(self) -> Deferred[tuple[Session, ...]]:
        """The sessions that have not run out."""
        return self._broker.database.perform(partial(sessions.listed, now=self._broker.now()))

    async def revoke(self, id_: int) -> None:
        """End a session, and whatever stream it follows. Fails with Refused."""
        await self._broker.database.perform(partial(sessions.revoke, id_=id_))
        for end in self._endings:
            end(id_)

    async def label(self) -> str:
        """What nobody can guess of the console's name; the same for as long as the database is.

        Where a new one can't be written down it is good for this daemon alone, and keeps nobody out.
        """
        new = secrets.token_hex(LABEL_BYTES)
        try:
            return await self._broker.database.perform(partial(sessions.label, new=new))
        except DatabaseTrouble:
            return new

    def after_each_end(self, end: Callable[[int], None]) -> None:
        """Have `end` called with the id of each session that was revoked."""
        self._endings.append(end)


def _hashed(word: str) -> str:
    return hashlib.sha256(word.encode()).hexdigest()
