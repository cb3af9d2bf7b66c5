"""The broker: mail in, mail out. What it answers is on disk."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from attrs import define, field
from twisted.application.service import Service
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.python.failure import Failure

from hyperhive.agent_config import MailRules, Rate
from hyperhive.errors import Refused
from hyperhive.limits import MailLimits, rows
from hyperhive.services.effects import Effects
from hyperhive.services.feed import Feed, Kind
from hyperhive.services.inboxes import Inboxes
from hyperhive.services.settling import Settling
from hyperhive.store import dead_letters, held, mail, mail_views
from hyperhive.store.database import Database
from hyperhive.store.held import Released
from hyperhive.store.mail import Post, Sent
from hyperhive.wire.names import EVERYONE, OPERATOR, shown
from hyperhive.wire.records import InboxRow, Letter, MessageRow
from hyperhive.wire.responses import Receipt
from hyperhive.wire.turns import HeldThread


@define(eq=False)
class Broker(Service):
    """Takes mail, hands it out under a lease, and settles it when it was read. A named service of the hive."""

    name = "broker"

    database: Database
    clock: IReactorTime
    feed: Feed
    limits: MailLimits
    inboxes: Inboxes = field(init=False)
    settling: Settling = field(init=False)
    _rules: dict[str, MailRules] = field(factory=dict, init=False)
    _leaving: dict[str, list[tuple[Post, Deferred[list[int]]]]] = field(factory=dict, init=False)

    def __attrs_post_init__(self) -> None:
        self.inboxes = Inboxes(self.database, self.clock, self.moved)
        self.settling = Settling(self.database, self.clock, self.moved)
        self.database.before_each_batch(self._write_leaving)

    def now(self) -> int:
        """The time, in unix seconds, as rows keep it."""
        return int(self.clock.seconds())

    @property
    def trouble(self) -> str | None:
        """Why nothing can be written down now, as a sentence; None while it can."""
        return None if self.database.trouble is None else str(self.database.trouble)

    def obey(self, name: str, rules: MailRules) -> None:
        """From now on the agent writes by those rules."""
        self._rules[name] = rules

    def rate_for(self, sender: str, to: str) -> Rate | None:
        """How often the sender may write, None: as it likes. Raises Refused if it may not write to `to` at all."""
        rules = self._rules.get(sender)
        if rules is None:
            return None
        if not rules.allows(to):
            whom = ", ".join(rules.recipients or ()) or "nobody"
            message = f"'{sender}' may not write to {shown(to)}: by its configuration it may write to {whom} alone"
            raise Refused(message)
        return rules.rate

    def send(self, post: Post) -> Deferred[list[int]]:
        """Send a message, to everyone where `to` is `*`; fires with the ids of what is then on disk.

        Fails with Refused, UnknownAgent, InboxFull or DatabaseTrouble; then nothing was sent.
        """
        sent: Deferred[list[int]] = Deferred()
        to, rate = post.to, self.rate_for(post.sender, post.to)
        done = partial(self._sent, sent)
        if rate is not None:
            self.database.submit(partial(mail.send_rated, post=post, limits=self.limits, rate=rate), done, sent.errback)
        elif to == EVERYONE:
            self.database.submit(partial(mail.send_to_all, post=post, limits=self.limits), done, sent.errback)
        elif to == OPERATOR:
            self.database.submit(
                lambda connection: [mail.send_to_operator(connection, post, self.limits)], done, sent.errback
            )
        else:
            self._leaving.setdefault(to, []).append((post, sent))
            self.database.hurry()
        return sent

    def announce(self, effects: Effects) -> None:
        """Tell of what another service's change did, which is on disk: the messages it queued, the rows it changed."""
        self.told(effects.told)
        for kind, key, whose in effects.rows:
            self.feed.publish(kind, key, whose)

    def _write_leaving(self) -> None:
        """Give the database what is to be sent. By now it is known who waits for it, and whether more comes with it."""
        leaving, self._leaving = self._leaving, {}
        for to, posts in leaving.items():
            number = self.inboxes.claim(to) if len(posts) == 1 else None
            if number is not None:
                self._write_to_waiting(*posts[0], number)
                continue
            for post, sent in posts:
                self._write(post, sent)
            self.inboxes.arriving(to)

    def _write(self, post: Post, sent: Deferred[list[int]]) -> None:
        """Send a message; its inbox is told by who calls this."""

        def done(result: Sent) -> None:
            self._tell_of([result])
            sent.callback([result.id])

        self.database.submit(partial(mail.send, post=post, limits=self.limits), done, sent.errback)

    def _write_to_waiting(self, post: Post, sent: Deferred[list[int]], number: int) -> None:
        """Send to somebody who waits: the message is leased as it is written, and told in the same breath."""

        def done(result: tuple[Sent, Letter | None]) -> None:
            written, letter = result
            self._tell_of([written])
            self.inboxes.claimed(post.to, number, [] if letter is None else [letter])
            sent.callback([written.id])

        def failed(reason: Failure) -> None:
            self.inboxes.claimed(post.to, number, [])
            sent.errback(reason)

        self.database.submit(partial(mail.send_leased, post=post, number=number, limits=self.limits), done, failed)

    def _sent(self, sent: Deferred[list[int]], written: Sequence[Sent]) -> None:
        self._tell_of(written)
        sent.callback([one.id for one in written])
        for one in written:
            self.inboxes.arriving(one.to)

    def _tell_of(self, written: Sequence[Sent]) -> None:
        for one in written:
            self.feed.publish(Kind.MESSAGE, one.id, one.to)
            if one.told:
                self.told(one.told)

    def told(self, told: Sequence[tuple[int, str]]) -> None:
        """Messages that another service's change queued are on disk."""
        self._publish(told)
        for name in {name for _, name in told}:
            self.inboxes.arriving(name)

    def moved(self, name: str, ids: Sequence[int]) -> None:
        """Messages in that inbox changed hands, on disk."""
        for id_ in ids:
            self.feed.publish(Kind.MESSAGE, id_, name)

    def unread(self, name: str) -> Deferred[int]:
        """How many messages are queued for `name`."""
        return self.database.perform(partial(mail.unread, name=name))

    def recent(self, name: str, limit: int) -> Deferred[tuple[InboxRow, ...]]:
        """The last messages to `name`, newest first."""
        return self.database.perform(partial(mail_views.recent, name=name, limit=rows(limit)))

    def messages(self, agent: str | None, limit: int, before: int | None) -> Deferred[tuple[MessageRow, ...]]:
        """The last messages from or to `agent`, or of everybody, newest first."""
        return self.database.perform(
            partial(mail_views.messages, agent=agent, limit=rows(limit), before=before)
        )  # fmt: skip

    def dead_letters(self) -> Deferred[tuple[MessageRow, ...]]:
        """The messages that were given up, newest first."""
        return self.database.perform(mail_views.dead_letters)

    def dead_beginnings(self) -> Deferred[tuple[MessageRow, ...]]:
        """The messages that were given up, newest first, their bodies cut."""
        return self.database.perform(mail_views.dead_beginnings)

    def revive(self, id_: int) -> Deferred[None]:
        """Queue a dead letter again. Fails with Refused, UnknownAgent or InboxFull."""
        revived = self.database.perform(partial(dead_letters.revive, id_=id_, limits=self.limits))
        return revived.addCallback(lambda name: self.told([(id_, name)]))

    def receipt(self, sender: str, id_: int) -> Deferred[Receipt]:
        """What became of a message of that sender's. Fails with Refused, in the same words for others' and nobody's."""
        return self.database.perform(partial(mail_views.receipt, sender=sender, id_=id_))

    def held(self) -> Deferred[tuple[HeldThread, ...]]:
        """The conversations between agents that are held, the first that was held first."""
        return self.database.perform(held.listed)

    def release(self, thread: int) -> Deferred[None]:
        """Let the mail of a held conversation go, and count anew. Fails with Refused if it is not held."""

        def done(released: Released) -> None:
            self._publish(released.buried)
            self.told(released.told)

        return self.database.perform(partial(held.release, thread=thread, now=self.now())).addCallback(done)

    def _publish(self, told: Sequence[tuple[int, str]]) -> None:
        for id_, name in told:
            self.feed.publish(Kind.MESSAGE, id_, name)
