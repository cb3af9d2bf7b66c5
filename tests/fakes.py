"""Stand-ins for what lies outside: a worker that a test cranks, containers, doors; and services joined over them."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Coroutine, Mapping
from pathlib import Path
from typing import Any, TypeVar

from attrs import define, field
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.python.failure import Failure
from zope.interface import implementer
from zope.interface.verify import verifyClass

from hyperhive.boundaries import IContainers, IDoors, Running
from hyperhive.layout import Layout
from hyperhive.limits import MailLimits, RestartPolicy
from hyperhive.services.approvals import Approvals
from hyperhive.services.broker import Broker
from hyperhive.services.crash_watch import CrashWatch
from hyperhive.services.crashes import Crashes
from hyperhive.services.feed import Feed
from hyperhive.services.inboxes import Take
from hyperhive.services.labour import Labour
from hyperhive.services.lifecycle import Lifecycle
from hyperhive.services.questions import Questions
from hyperhive.services.restarts import Restarts
from hyperhive.services.roster import Roster
from hyperhive.services.turns import Turns
from hyperhive.store import agents
from hyperhive.store.database import LEISURE, Change, Database, Job
from hyperhive.store.mail import Post
from hyperhive.store.schema import open_database
from hyperhive.wire.codec import event_of_body
from hyperhive.wire.names import SYSTEM
from hyperhive.wire.records import Letter, Operation, OperationKind

Result = TypeVar("Result")

NOW = 1_700_000_000


class HandWorker:
    """Does its jobs when it is told to."""

    def __init__(self) -> None:
        self.jobs: deque[Job] = deque()
        self.ended = False

    def do(self, job: Job) -> None:
        self.jobs.append(job)

    def end(self) -> None:
        self.ended = True
        while self.jobs:
            self.step()

    def step(self) -> None:
        """Do the next job."""
        self.jobs.popleft()()


class PromptWorker:
    """Does each job at once."""

    def do(self, job: Job) -> None:
        job()

    def end(self) -> None:
        """Nothing is left to do."""


@implementer(IContainers)
class FakeContainers:
    """Containers that run in memory.

    `faults`: what a verb raises; `held`: Deferreds that a verb waits for; `calls`: what was asked, in order.
    """

    kind = "fake"
    isolates = False
    blind: str | None = None
    longest_name = 9

    def __init__(self) -> None:
        self.runs: dict[str, Running] = {}
        self.causes: dict[tuple[str, int], str] = {}
        self.lines: list[str] = []
        self.faults: dict[str, Exception] = {}
        self.held: dict[str, Deferred[None]] = {}
        self.calls: list[tuple[Any, ...]] = []
        self.hint: Callable[[], None] = lambda: None

    def watch(self, hint: Callable[[], None]) -> None:
        self.hint = hint

    def close(self) -> None:
        self.calls.append(("close",))

    def owns(self, name: str, uid: int) -> bool:
        return uid == os.geteuid()

    async def running(self) -> Mapping[str, Running]:
        await self._do("running")
        return dict(self.runs)

    async def start(self, name: str, generation: int) -> None:
        await self._do("start", name, generation)
        self.runs.setdefault(name, Running(generation=generation, since=NOW, pid=1))

    async def stop(self, name: str, *, graceful: bool = True) -> None:
        await self._do("stop", name, "graceful" if graceful else "at once")
        self.runs.pop(name, None)

    async def remove(self, name: str) -> None:
        await self._do("remove", name)

    async def cause(self, name: str, generation: int) -> str | None:
        await self._do("cause", name, generation)
        return self.causes.get((name, generation))

    async def log(self, name: str, lines: int) -> list[str]:
        await self._do("log", name, lines)
        return self.lines[-lines:]

    def crash(self, name: str, cause: str | None = None) -> None:
        """The agent ends by itself, and nobody says so."""
        ended = self.runs.pop(name)
        if cause is not None:
            self.causes[name, ended.generation] = cause

    def hold(self, verb: str) -> Deferred[None]:
        """From now on `verb` waits until the Deferred is fired; one that concerns one agent is `start bob`."""
        self.held[verb] = Deferred()
        return self.held[verb]

    def done(self, *verbs: str) -> list[tuple[Any, ...]]:
        """The calls of those verbs."""
        return [call for call in self.calls if call[0] in verbs]

    async def _do(self, verb: str, *what: Any) -> None:
        self.calls.append((verb, *what))
        for key in (verb, " ".join([verb, *map(str, what[:1])])):
            if key in self.held:
                held, waiting = self.held[key], Deferred[None]()
                held.addCallback(_pass_on, waiting)
                await waiting
            if key in self.faults:
                raise self.faults[key]


@implementer(IDoors)
class FakeDoors:
    """Doors that are names in a set."""

    def __init__(self) -> None:
        self.opened: set[str] = set()
        self.fault: Exception | None = None

    async def open(self, name: str) -> None:
        if self.fault is not None:
            raise self.fault
        self.opened.add(name)

    async def close(self, name: str) -> None:
        self.opened.discard(name)


verifyClass(IContainers, FakeContainers)
verifyClass(IDoors, FakeDoors)


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
    database: Database = field(init=False)
    broker: Broker = field(init=False)
    turns: Turns = field(init=False)
    questions: Questions = field(init=False)
    lifecycle: Lifecycle = field(init=False)
    approvals: Approvals = field(init=False)
    crash_watch: CrashWatch = field(init=False)
    restarts: Restarts = field(init=False)
    roster: Roster = field(init=False)
    layout: Layout = field(init=False)

    def __attrs_post_init__(self) -> None:
        if self.clock.seconds() == 0:
            self.clock.rightNow = float(NOW)
        self.layout = Layout(state=self.path / "state", run=self.path / "run")
        self.layout.state.mkdir(exist_ok=True)
        self.database = Database(
            lambda: open_database(self.layout.database), self.clock, lambda job: job(), lambda: self.worker
        )
        self.database.open()
        self.broker = Broker(self.database, self.clock, Feed(self.clock.seconds()), self.limits)
        self.turns = Turns(self.broker)
        self.questions = Questions(self.broker)
        crashes = Crashes(self.broker, self.turns, self.containers, self.policy)
        labour = Labour(self.broker, self.turns, crashes, self.containers, self.doors, self.layout, self.policy)
        self.lifecycle = Lifecycle(self.broker, labour, 9)
        self.approvals = Approvals(self.broker, self.lifecycle)
        self.crash_watch = CrashWatch(crashes, self.containers, self.clock, 10.0)
        self.roster = Roster(self.broker, self.containers)
        self.restarts = Restarts(self.broker, self.lifecycle, self.containers, self.policy)
        self.lifecycle.after_each(self.crash_watch.look)
        self.lifecycle.after_each(self.restarts.look)
        crashes.after_each(self.restarts.look)

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


def _pass_on(result: None, waiting: Deferred[None]) -> None:
    waiting.callback(None)
    return result
