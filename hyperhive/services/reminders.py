"""Reminders: what an agent asked to be told later is put into its inbox when that is due, after a restart too."""

from __future__ import annotations

from functools import partial
from typing import Final

from attrs import define, field
from twisted.application.service import Service
from twisted.internet.defer import Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure

from hyperhive.errors import DatabaseTrouble, Refused
from hyperhive.limits import LONGEST_TTL, MOST_REMINDERS, MailLimits
from hyperhive.services.alarm import Alarm
from hyperhive.services.broker import Broker
from hyperhive.store import bounds
from hyperhive.store import reminders as table
from hyperhive.store.database import Connection
from hyperhive.store.mail import Told

_log = Logger()

LARGEST_DELIVERY: Final = 100
"""Reminders that one transaction delivers, so that no `send` waits long for them."""


@define(eq=False)
class Reminders(Service):
    """Keeps reminders, and delivers those that are due. A named service of the hive."""

    name = "reminders"

    _broker: Broker
    _alarm: Alarm = field(init=False)

    def __attrs_post_init__(self) -> None:
        self._alarm = Alarm(self._broker.clock, self._deliver)

    def startService(self) -> None:
        """Deliver what came due while no daemon ran, and wait for the next."""
        super().startService()
        self._deliver()

    def stopService(self) -> None:
        """Wait no longer."""
        super().stopService()
        self._alarm.stop()

    def remind(self, agent: str, message: str, delay_seconds: int | None, at: int | None) -> Deferred[int]:
        """Have the message delivered to the agent after that delay, or at that unix time; fires with the id.

        Fails with Refused, and with InboxFull where it would not fit into the agent's inbox now.
        """
        now = self._broker.now()
        due_at = at if at is not None else now + (delay_seconds or 0)
        if not message.strip():
            refusal = "'message' is empty; it must say what you are to be reminded of"
            raise Refused(refusal)
        if due_at > now + LONGEST_TTL:
            given = f"'delay_seconds' {delay_seconds}" if at is None else f"'at' {at}"
            refusal = f"{given} is too far away; a reminder lies at most {LONGEST_TTL} seconds ahead"
            raise Refused(refusal)

        def kept(id_: int) -> int:
            self._deliver()
            return id_

        limits = self._broker.limits
        change = partial(_add, agent=agent, message=message, now=now, due_at=due_at, limits=limits)
        return self._broker.database.perform(change).addCallback(kept)

    def _deliver(self) -> None:
        if self.running:
            change = partial(_deliver_due, now=self._broker.now())
            self._broker.database.submit(change, self._delivered, self._failed)

    def _delivered(self, result: tuple[Told, int | None]) -> None:
        told, next_due = result
        self._broker.told(told)
        if self.running:
            self._alarm.set(next_due)

    def _failed(self, reason: Failure) -> None:
        if reason.check(DatabaseTrouble):
            _log.error("reminders that are due could not be delivered; it is tried again: {why}", why=reason.value)
        else:
            _log.failure("reminders that are due could not be delivered; it is tried again", failure=reason)
        if self.running:
            self._alarm.snooze()


def _add(connection: Connection, agent: str, message: str, now: int, due_at: int, limits: MailLimits) -> int:
    bounds.check_room(connection, agent, len(message.encode()), limits)
    if due_at > now and table.count_ahead(connection, agent, now) >= MOST_REMINDERS:
        refusal = f"{agent} has {MOST_REMINDERS} reminders ahead, the most there may be; wait until one of them is due"
        raise Refused(refusal)
    return table.add(connection, agent, message, now, due_at)


def _deliver_due(connection: Connection, now: int) -> tuple[Told, int | None]:
    """Deliver what is due; the messages, and when to look again."""
    return table.deliver(connection, now, LARGEST_DELIVERY), table.next_due(connection)
