"""Turns: what an agent does with its mail, from the word that one begins to the word how it ended."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Final

from attrs import define, evolve, field
from twisted.application.service import Service
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall

from hyperhive.agent_config import Rate
from hyperhive.errors import Refused
from hyperhive.limits import MailLimits, rows
from hyperhive.services.broker import Broker
from hyperhive.services.feed import Kind
from hyperhive.services.inboxes import Take
from hyperhive.services.leases import Leases
from hyperhive.services.turn_endings import Ending, Over, end, supersede
from hyperhive.store import bounds, kept_replies, leases, turn_views, turns
from hyperhive.store.batches import Change, Result
from hyperhive.store.database import Connection
from hyperhive.store.kept_replies import Kept
from hyperhive.store.mail import Post
from hyperhive.store.turn_views import Spent, UnderWay
from hyperhive.store.turns import Opening
from hyperhive.wire.names import EVERYONE, OPERATOR
from hyperhive.wire.records import Letter, MessageRow
from hyperhive.wire.states import TurnOutcome
from hyperhive.wire.turns import Turn, TurnEvent, Usage

DAY: Final = 86_400
SOON: Final = 0.5
"""Seconds within which followers hear of a turn's new events, however many batches of them come meanwhile."""


@define(eq=False)
class Turns(Service):
    """Opens turns, keeps what comes of them, and ends them together with their mail. A named service of the hive."""

    name = "turns"

    _broker: Broker
    _leases: Leases
    _heard: dict[int, IDelayedCall] = field(factory=dict, init=False)
    _met: set[str] = field(factory=set, init=False)
    """The agents whose turn has begun, or was gone on with, since this daemon runs."""

    def stopService(self) -> None:
        """Tell of no more events."""
        super().stopService()
        for call in self._heard.values():
            call.cancel()
        self._heard.clear()

    async def begin(self, name: str, ids: Sequence[int], runner: str, model: str | None) -> int:
        """Begin a turn about that mail in the agent's hands; its id. Fails with Refused.

        The turn that the agent was in, if it was in one, is interrupted.
        """
        read, unread = self._leases.in_hand(name)
        handed = frozenset((*read, *unread))
        opening = Opening(
            agent=name, ids=ids, handed=handed, runner=runner, model=model, at=self._broker.now()
        )  # fmt: skip
        turn, over = await self._last(partial(_begin, opening=opening, limits=self._broker.limits))
        if over is not None:
            self._met.add(name)
            self._announce(name, over)
            self._broker.feed.publish(Kind.TURN, turn, name)
        return turn

    async def hear(self, name: str, turn: int, first: int, events: Sequence[str]) -> int:
        """Keep the next events of a turn, the first of which has that number; how many were new. Fails with Refused."""
        if first < 1:
            message = "turn_events: 'first' must be at least 1, the number of a turn's first event"
            raise Refused(message)
        change = partial(_hear, name=name, id_=turn, first=first, events=events, now=self._broker.now())
        new = await self._broker.database.perform(change)
        if new:
            await self.goes_on(name)
        if new and turn not in self._heard and self.running:
            self._heard[turn] = self._broker.clock.callLater(SOON, self._tell, turn)
        return new

    async def goes_on(self, name: str) -> None:
        """The agent is at work on the turn that it is in, if it is in one.

        The mail of a turn that a daemon before this one began was queued again, and is in the agent's hands all the
        same: it is leased again.
        """
        if name in self._met:
            return
        number = self._broker.inboxes.number()
        letters = await self._last(partial(_resume, name=name, number=number))
        self._met.add(name)
        if letters:
            self._leases.hand_again(name, Take(number, letters))

    async def end(
        self, name: str, turn: int, outcome: TurnOutcome, error: str | None, usage: Usage | None, *, spent: bool
    ) -> int:
        """End a turn, and its mail with it; how many messages were settled or queued again. Fails with Refused."""
        read, unread = self._leases.in_hand(name)
        ending = Ending(
            agent=name,
            turn=turn,
            outcome=outcome,
            spent=spent,
            error=error,
            usage=usage or Usage(),
            read=read,
            unread=unread,
        )
        over = await self._last(partial(end, ending=ending, limits=self._broker.limits, now=self._broker.now()))
        self._announce(name, over)
        return len(over.ids)

    async def send(self, post: Post) -> Sequence[int] | None:
        """Send a message that belongs to the turn its sender is in: a reply to that turn's mail is kept for its end.

        The ids of what is then on disk; None where it is kept, which is not refused later. Fails with Refused,
        UnknownAgent or InboxFull.
        """
        rate = self._broker.rate_for(post.sender, post.to)
        keep = partial(_keep, post=post, limits=self._broker.limits, rate=rate)
        post, kept = await self._broker.database.perform(keep)
        return None if kept else await self._broker.send(post)

    def listed(self, name: str | None, limit: int, before: int | None) -> Deferred[tuple[Turn, ...]]:
        """The last turns, newest first: of that agent or of all, with ids below `before`. Fails with UnknownAgent."""
        return self._broker.database.perform(partial(turns.listed, name=name, limit=rows(limit), before=before))

    def under_way(self) -> Deferred[tuple[UnderWay, ...]]:
        """The turns that go on now, each with what it is about and what was heard of it last."""
        return self._broker.database.perform(turn_views.under_way)

    def log(self, turn: int, after: int) -> Deferred[tuple[Turn, tuple[TurnEvent, ...]]]:
        """A turn, and those of its events that come after that number, as many as fit. Fails with Refused."""
        return self._broker.database.perform(partial(turns.log, id_=turn, after=after))

    def about(self, turn: Turn) -> Deferred[tuple[MessageRow, ...]]:
        """The mail that the turn began with, without what is forgotten."""
        return self._broker.database.perform(partial(turn_views.about, turn=turn))

    def tail(self, turn: int, most: int) -> Deferred[tuple[TurnEvent, ...]]:
        """The last events of a turn, oldest first; at most so many."""
        return self._broker.database.perform(partial(turn_views.tail, id_=turn, most=most))

    def spent_today(self) -> Deferred[dict[str, Spent]]:
        """By the agents' names: what their turns took that began today, which begins at midnight in UTC."""
        now = self._broker.now()
        return self._broker.database.perform(partial(turn_views.spent, since=now - now % DAY))

    def _announce(self, name: str, over: Over) -> None:
        self._leases.left_hands(name, [*over.ids, *over.unseen])
        self._broker.announce(over.effects)
        self._broker.inboxes.arriving(name)

    def _tell(self, turn: int) -> None:
        del self._heard[turn]
        self._broker.feed.publish(Kind.TURN, turn)

    def _last(self, change: Change[Result]) -> Deferred[Result]:
        """Make a change after the others of its batch, as whatever hands mail out or settles it is made."""
        done: Deferred[Result] = Deferred()
        self._broker.database.submit(change, done.callback, done.errback, last=True)
        return done


def _begin(connection: Connection, opening: Opening, limits: MailLimits) -> tuple[int, Over | None]:
    """The turn, and what its beginning ended; None instead if it had begun already."""
    again = turns.repeated(connection, opening)
    if again is not None:
        return again, None
    turns.check_in_hand(connection, opening)
    over = supersede(connection, opening, limits)
    return turns.begin(connection, opening), over


def _resume(connection: Connection, name: str, number: int) -> list[Letter]:
    id_ = turns.open_of(connection, name)
    if id_ is None:
        return []
    return leases.resume(connection, name, id_, turns.one(connection, id_).messages, number)


def _hear(connection: Connection, name: str, id_: int, first: int, events: Sequence[str], now: int) -> int:
    turn = turns.own(connection, id_, name)
    if turn.outcome is None:
        return turns.hear(connection, turn, first, events, now)
    if first + len(events) - 1 > turns.last_event(connection, id_):
        message = f"turn {id_} has ended, as '{turn.outcome.value}'; it keeps no more events"
        raise Refused(message)
    return 0


def _keep(connection: Connection, post: Post, limits: MailLimits, rate: Rate | None) -> tuple[Post, bool]:
    """The message with what it answers, and whether it is kept for the end of its sender's turn. Raises a HiveError."""
    turn = turns.open_of(connection, post.sender)
    if turn is None:
        return post, False
    cause = post.in_reply_to
    if cause is None:
        cause = kept_replies.cause(connection, turn, post.sender, post.to)
    if cause is None:
        return evolve(post, cause=turns.mail_of(connection, turn)), False
    if not kept_replies.is_in_hand(connection, turn, post.sender, cause):
        return evolve(post, in_reply_to=cause), False
    if post.to == EVERYONE:
        message = f"a reply to message {cause} goes to one; leave 'in_reply_to' out to write to everyone at once"
        raise Refused(message)
    if post.to != OPERATOR:
        bounds.check_room(connection, post.to, len(post.body.encode()), limits)
    if rate is not None:
        bounds.check_rate(connection, post.sender, rate, post.at, 1 + kept_replies.count(connection, turn))
    kept_replies.keep(connection, Kept(turn=turn, recipient=post.to, body=post.body, in_reply_to=cause))
    return evolve(post, in_reply_to=cause), True
