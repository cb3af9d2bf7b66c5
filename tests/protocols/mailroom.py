"""Bob's socket with the services behind it, for what agents do with their mail and their turns."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_twisted
from attrs import define

from hyperhive.boundaries import Running
from hyperhive.limits import MailLimits
from hyperhive.protocols.agent import AgentDesk
from hyperhive.services.broker import Broker
from hyperhive.services.feed import Feed
from hyperhive.services.harnesses import Harnesses
from hyperhive.services.leases import Leases
from hyperhive.services.orders import Orders
from hyperhive.services.pulse import Pulse
from hyperhive.services.questions import Questions
from hyperhive.services.reminders import Reminders
from hyperhive.services.roster import Roster
from hyperhive.services.turns import Turns
from hyperhive.store import agents
from hyperhive.store.database import Database
from hyperhive.store.mail import Post
from hyperhive.store.schema import open_database
from hyperhive.wire.codec import AGENT
from tests.fakes import NOW, FakeContainers, PromptWorker
from tests.protocols.stage import Client, Stage, turn


@define(eq=False)
class Mail:
    """Bob's socket, and the mail behind it."""

    stage: Stage
    broker: Broker
    leases: Leases
    turns: Turns
    harnesses: Harnesses

    async def send(self, *bodies: str) -> None:
        for body in bodies:
            await self.broker.send(Post(sender="alice", to="bob", body=body, at=1))

    async def states(self) -> list[tuple[int, bool, int]]:
        rows = await self.broker.database.perform(
            lambda connection: connection.execute(
                "SELECT state, redelivered, attempts FROM messages ORDER BY id"
            ).fetchall()
        )
        return [(state, bool(again), attempts) for state, again, attempts in rows]

    async def reach(self, *states: tuple[int, bool, int]) -> None:
        """Wait until messages stand like that."""
        while await self.states() != list(states):
            await turn()


@pytest_twisted.async_yield_fixture(name="mail")
async def mail_of_bob(stage: Stage, tmp_path: Path) -> AsyncIterator[Mail]:
    from twisted.internet import reactor

    clock: Any = reactor
    database = Database(
        lambda: open_database(tmp_path / "broker.sqlite"), clock, lambda job: job(), PromptWorker
    )  # fmt: skip
    database.open()
    broker = Broker(database, clock, Feed(0), MailLimits())
    leases = Leases(broker)
    turns, orders, containers = Turns(broker, leases), Orders(clock), FakeContainers()
    harnesses = Harnesses(broker, containers, orders)
    for service in (turns, orders):
        service.startService()
    roster = Roster(broker, containers)
    for name in ("alice", "bob", "manager"):
        await database.perform(lambda connection, name=name: agents.begin_start(connection, name))  # type: ignore[misc]
        await database.perform(lambda connection, name=name: agents.is_running(connection, name))  # type: ignore[misc]
        containers.runs[name] = Running(generation=1, since=NOW, pid=1)
    stage.serve(
        AGENT,
        lambda look: AgentDesk(
            broker=broker,
            leases=leases,
            turns=turns,
            harnesses=harnesses,
            questions=Questions(broker),
            reminders=Reminders(broker),
            roster=roster,
            hive="box",
            name="bob",
            look=look,
            speak=Pulse().voice("bob"),
        ),
    )
    yield Mail(stage, broker, leases, turns, harnesses)
    await stage.close()
    orders.stopService()
    turns.stopService()
    await database.close()


@pytest.fixture(name="bob")
def client_of_bob(mail: Mail) -> Client:
    return mail.stage.client()
