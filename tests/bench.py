"""A hive's services, joined over a real database and fakes of what lies outside."""

from __future__ import annotations

from collections.abc import Coroutine
from pathlib import Path
from typing import Any, TypeVar

from attrs import define, field
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.python.failure import Failure

from hyperhive.boundaries import Running
from hyperhive.layout import Layout
from hyperhive.limits import MailLimits, RestartPolicy
from hyperhive.services.approvals import Approvals
from hyperhive.services.broker import Broker
from hyperhive.services.configurations import Configurations
from hyperhive.services.crash_watch import CrashWatch
from hyperhive.services.crashes import Crashes
from hyperhive.services.deploys import Deploys
from hyperhive.services.feed import Feed
from hyperhive.services.harnesses import Harnesses
from hyperhive.services.inboxes import Take
from hyperhive.services.labour import Labour
from hyperhive.services.launches import Launches
from hyperhive.services.leases import Leases
from hyperhive.services.lifecycle import Lifecycle
from hyperhive.services.orders import Orders
from hyperhive.services.proposals import Proposals
from hyperhive.services.pulse import Pulse
from hyperhive.services.questions import Questions
from hyperhive.services.reminders import Reminders
from hyperhive.services.restarts import Restarts
from hyperhive.services.roster import Roster
from hyperhive.services.turns import Turns
from hyperhive.services.updates import Updates
from hyperhive.services.writing import Writing
from hyperhive.store import agents
from hyperhive.store.batches import Change
from hyperhive.store.database import LEISURE, Database
from hyperhive.store.mail import Post
from hyperhive.store.schema import open_database
from hyperhive.wire.codec import event_of_body
from hyperhive.wire.names import SYSTEM
from hyperhive.wire.records import Letter, Operation
from hyperhive.wire.states import OperationKind
from tests.fake_repositories import FakeRepositories
from tests.fakes import NOW, FakeContainers, FakeDoors, PromptWorker

Result = TypeVar("Result")


@define(eq=False)
class Bench:
    """A hive's services over a real database file, a clock that the test moves, and fakes of what lies outside."""

    path: Path
    limits: MailLimits = field(factory=MailLimits)
    policy: RestartPolicy = field(factory=RestartPolicy)
    clock: Clock = field(factory=Clock)
    worker: Any = field(factory=PromptWorker)
    containers: FakeContainers = field(factory=FakeContainers)
    doors: FakeDoors = field(factory=FakeDoors)
    repositories: FakeRepositories = field(factory=FakeRepositories)
    database: Database = field(init=False)
    broker: Broker = field(init=False)
    leases: Leases = field(init=False)
    turns: Turns = field(init=False)
    orders: Orders = field(init=False)
    harnesses: Harnesses = field(init=False)
    questions: Questions = field(init=False)
    reminders: Reminders = field(init=False)
    lifecycle: Lifecycle = field(init=False)
    approvals: Approvals = field(init=False)
    crash_watch: CrashWatch = field(init=False)
    restarts: Restarts = field(init=False)
    roster: Roster = field(init=False)
    layout: Layout = field(init=False)
    configurations: Configurations = field(init=False)
    pulse: Pulse = field(init=False)
    updates: Updates = field(init=False)

    def __attrs_post_init__(self) -> None:
        if self.clock.seconds() == 0:
            self.clock.rightNow = float(NOW)
        self._open_database()
        self._join_mail()
        self._join_agents()

    def _open_database(self) -> None:
        self.layout = Layout(state=self.path / "state", run=self.path / "run")
        self.layout.state.mkdir(exist_ok=True)
        self.repositories.layout = self.layout
        self.database = Database(
            lambda: open_database(self.layout.database), self.clock, lambda job: job(), lambda: self.worker
        )
        self.database.open()

    def _join_mail(self) -> None:
        """Messages, turns and questions: what agents do while they run."""
        self.broker = Broker(self.database, self.clock, Feed(self.clock.seconds()), self.limits)
        self.leases = Leases(self.broker)
        self.turns = Turns(self.broker, self.leases)
        self.orders = Orders(self.clock)
        self.harnesses = Harnesses(self.broker, self.containers, self.orders)
        self.questions = Questions(self.broker)
        self.reminders = Reminders(self.broker)
        self.roster = Roster(self.broker, self.containers)

    def _join_agents(self) -> None:
        """Operations, approvals and restarts: what is done with agents."""
        crashes = Crashes(self.broker, self.leases, self.containers, self.policy)
        self.pulse = Pulse()
        self.configurations = Configurations(self.broker, self.repositories, self.containers, self.layout)
        self.lifecycle = Lifecycle(self.broker, self._labour(crashes), 9)
        proposals = Proposals(self.broker, self.repositories, self.configurations)
        self.approvals = Approvals(self.broker, self.lifecycle, proposals)
        self.updates = Updates(self.broker, self.lifecycle, self.approvals, self.configurations, self.containers)
        self.crash_watch = CrashWatch(crashes, self.containers, self.clock, 10.0)
        self.restarts = Restarts(self.broker, self.lifecycle, self.containers, self.policy)
        self.lifecycle.after_each(self.crash_watch.look)
        self.lifecycle.after_each(self.restarts.look)
        crashes.after_each(self.restarts.look)

    def _labour(self, crashes: Crashes) -> Labour:
        writing = Writing(self.database, self.clock)
        launches = Launches(self.broker, self.leases, self.containers, self.pulse, writing, self.configurations)
        deploys = Deploys(self.broker, self.containers, self.repositories, launches, writing)
        return Labour(
            self.broker, self.leases, crashes, self.containers, self.doors, launches, deploys, writing, self.layout,
            self.policy,
        )  # fmt: skip

    def settle(self) -> None:
        """Let everything happen that needs no time."""
        self.clock.advance(0)

    def pass_time(self, seconds: float) -> None:
        """Let time pass."""
        self.clock.advance(seconds)
        self.settle()

    def write_leisurely(self) -> None:
        """Let be written what waits for company."""
        self.pass_time(LEISURE)

    def get(self, work: Deferred[Result] | Coroutine[Any, Any, Result]) -> Result:
        """What a Deferred or coroutine comes to when everything that needs no time has happened; may raise it."""
        results: list[Any] = []
        deferred = work if isinstance(work, Deferred) else Deferred.fromCoroutine(work)
        deferred.addBoth(results.append)
        self.settle()
        assert results, "it is not done yet"
        if isinstance(results[0], Failure):
            results[0].raiseException()
        return results[0]  # type: ignore[no-any-return]

    def do(self, change: Change[Result]) -> Result:
        """The result of a change to the database."""
        return self.get(self.database.perform(change))

    def add_agents(self, *names: str) -> None:
        """Put agents into the hive that run, each for the first time."""
        for name in names:
            generation = self.do(lambda connection, name=name: agents.begin_start(connection, name))  # type: ignore[misc]
            self.do(lambda connection, name=name: agents.is_running(connection, name))  # type: ignore[misc]
            self.containers.runs[name] = Running(generation=generation, since=NOW, pid=1)
            self.doors.opened.add(name)

    def send(self, sender: str, to: str, body: str) -> int:
        """Send a message; its id."""
        return self.get(self.broker.send(Post(sender=sender, to=to, body=body, at=self.broker.now())))[0]

    def receive(self, name: str, most: int = 32, seconds: float = 0) -> Deferred[Take]:
        """Wait for mail."""
        return self.broker.inboxes.receive(name, most, seconds)[1]

    def taken(self, name: str, most: int = 32) -> list[Letter]:
        """Take what mail is there, and leave it leased."""
        return self.get(self.receive(name, most)).letters

    def events_of(self, name: str) -> list[Any]:
        """The events in an inbox, in their order, leased or not."""
        rows = self.do(
            lambda connection: connection.execute(
                "SELECT body FROM messages WHERE recipient = ? AND sender = ? ORDER BY id", (name, SYSTEM)
            ).fetchall()
        )
        return [event_of_body(body) for (body,) in rows]

    def states(self) -> list[tuple[int, int, int, int]]:
        """Of every message: id, state, whether marked redelivered, attempts spent."""
        return self.do(
            lambda connection: connection.execute(
                "SELECT id, state, redelivered, attempts FROM messages ORDER BY id"
            ).fetchall()
        )

    def operate(self, name: str, kind: OperationKind, *, flag: bool = False) -> Operation:
        """Have an operation carried out; its row afterwards."""
        id_ = self.get(self.lifecycle.request(name, kind, "operator", flag=flag))
        self.settle()
        return self.operation(id_)

    def operation(self, id_: int) -> Operation:
        """The row of an operation."""
        return self.get(self.lifecycle.rows([id_]))[0]

    def close(self) -> None:
        """Close the database."""
        self.get(self.database.close())
