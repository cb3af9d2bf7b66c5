"""Stand-ins for what lies outside: a worker that a test cranks, containers, doors; and services joined over them."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections import deque
from collections.abc import Callable, Coroutine, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from attrs import define, field
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.python.failure import Failure
from zope.interface import implementer
from zope.interface.verify import verifyClass

from hyperhive.agent_config import AgentConfig
from hyperhive.boundaries import Consumption, IContainers, IDoors, IRepositories, Plan, Running
from hyperhive.errors import RepositoryError
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
from hyperhive.store.database import LEISURE, Database, Job
from hyperhive.store.mail import Post
from hyperhive.store.schema import open_database
from hyperhive.wire.codec import event_of_body
from hyperhive.wire.names import SYSTEM
from hyperhive.wire.records import ConfigEvent, Letter, Operation
from hyperhive.wire.states import OperationKind

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

    `faults`: what a verb raises; `held`: Deferreds that a verb waits for; `calls`: what was asked, in order; `plans`:
    by which plan each agent was started last.
    """

    kind = "fake"
    isolates = False
    blind: str | None = None
    longest_name = 9

    def __init__(self) -> None:
        self.runs: dict[str, Running] = {}
        self.causes: dict[tuple[str, int], str] = {}
        self.lines: list[str] = []
        self.plans: dict[str, Plan] = {}
        self.made_from = "here"
        self.refuses: str | None = None
        self.can_not_read: str | None = None
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

    async def consumption(self) -> Mapping[str, Consumption]:
        await self._do("consumption")
        return {name: Consumption(memory=1024, seconds=2.5) for name in self.runs}

    async def start(self, name: str, generation: int, plan: Plan) -> None:
        await self._do("start", name, generation)
        self.plans[name] = plan
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

    def objection(self, config: AgentConfig) -> str | None:
        return self.refuses

    async def prepare(self, name: str, plan: Plan) -> None:
        await self._do("prepare", name)

    async def fault(self, files: Mapping[str, bytes]) -> str | None:
        return self.can_not_read

    async def origin(self, plan: Plan) -> str:
        await self._do("origin")
        return self.made_from

    async def check(self, name: str, command: Sequence[str]) -> None:
        await self._do("check", name, *command)

    async def writer(self) -> tuple[int, int] | None:
        return None

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


@implementer(IRepositories)
class FakeRepositories:
    """Repositories in memory, but for the files that are written out.

    `proposed` and `applied`: by the agents' names, each commit's files; `tags`: (name, tag) to commit and message;
    `faults`: what a verb raises; `calls`: what changed something, in order.
    """

    layout: Layout

    def __init__(self) -> None:
        self.proposed: dict[str, dict[str, dict[str, bytes]]] = {}
        self.applied: dict[str, dict[str, dict[str, bytes]]] = {}
        self.mains: dict[str, str] = {}
        self.tags: dict[tuple[str, str], tuple[str, str]] = {}
        self.faults: dict[str, Exception] = {}
        self.calls: list[tuple[str, ...]] = []

    def commit(self, name: str, text: str) -> str:
        """A new commit in `proposed` whose `agent.toml` is that text."""
        commit = hashlib.sha1(f"{name} {text}".encode(), usedforsecurity=False).hexdigest()
        self.proposed.setdefault(name, {})[commit] = {"agent.toml": text.encode()}
        return commit

    async def make(self, name: str, owner: tuple[int, int] | None) -> str:
        self._do("make", name)
        if name not in self.mains:
            self.layout.applied(name).mkdir(parents=True)
            commit = self.commit(name, "")
            self.applied.setdefault(name, {})[commit] = self.proposed[name][commit]
            self.tags[name, "deployed/0"] = commit, "the first"
            self.mains[name] = commit
        return self.mains[name]

    async def take_in(self, name: str, ref: str) -> str:
        self._do("take_in", name, ref)
        (commit,) = [commit for commit in self.proposed[name] if commit.startswith(ref)]
        self.applied[name][commit] = self.proposed[name][commit]
        return commit

    async def let_go(self, name: str, commit: str) -> None:
        self._do("let_go", name, commit)

    async def find(self, name: str, ref: str) -> str:
        if (name, ref) in self.tags:
            return self.tags[name, ref][0]
        for commit in self.applied[name]:
            if commit.startswith(ref):
                return commit
        raise RepositoryError(f"there is no {ref}")

    async def read(self, name: str, commit: str) -> Mapping[str, bytes]:
        return self.applied[name][commit]

    async def write_out(self, name: str, commit: str) -> Path:
        self._do("write_out", name, commit)
        directory = self.layout.deployed(name) / commit
        directory.mkdir(parents=True, exist_ok=True)
        for path, content in self.applied[name][commit].items():
            (directory / path).write_bytes(content)
        return directory

    async def diff(self, name: str, base: str, commit: str) -> str:
        before, after = self.applied[name][base], self.applied[name][commit]
        return "" if before == after else f"-{before}\n+{after}\n"

    async def tag(self, name: str, tag: str, commit: str, message: str) -> None:
        self._do("tag", name, tag)
        at, _ = self.tags.setdefault((name, tag), (commit, message))
        if at != commit:
            raise RepositoryError(f"the tag {tag!r} is at commit {at} already, and can't be at {commit} too")

    async def move(self, name: str, commit: str) -> None:
        self._do("move", name, commit)
        self.mains[name] = commit

    async def remove(self, name: str) -> None:
        self._do("remove", name)
        self.applied.pop(name, None)
        self.mains.pop(name, None)
        self.tags = {key: told for key, told in self.tags.items() if key[0] != name}
        for directory in (self.layout.applied(name), self.layout.deployed(name)):
            shutil.rmtree(directory, ignore_errors=True)

    async def history(self, name: str, step: str | None = None) -> Sequence[ConfigEvent]:
        tags = [(tag, *told) for (whose, tag), told in self.tags.items() if whose == name]
        tags = [one for one in tags if step in (None, one[0].partition("/")[0])]
        return [ConfigEvent(tag=tag, sha=commit, at=NOW, text=text) for tag, commit, text in reversed(tags)]

    def tags_of(self, name: str) -> list[str]:
        """The names of the agent's tags, oldest first."""
        return [tag for whose, tag in self.tags if whose == name]

    def _do(self, verb: str, *what: str) -> None:
        self.calls.append((verb, *what))
        if verb in self.faults:
            raise self.faults[verb]


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
verifyClass(IRepositories, FakeRepositories)


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
        self.layout = Layout(state=self.path / "state", run=self.path / "run")
        self.layout.state.mkdir(exist_ok=True)
        self.database = Database(
            lambda: open_database(self.layout.database), self.clock, lambda job: job(), lambda: self.worker
        )
        self.database.open()
        self.broker = Broker(self.database, self.clock, Feed(self.clock.seconds()), self.limits)
        self.leases = Leases(self.broker)
        self.turns = Turns(self.broker, self.leases)
        self.orders = Orders(self.clock)
        self.harnesses = Harnesses(self.broker, self.containers, self.orders)
        self.questions = Questions(self.broker)
        self.reminders = Reminders(self.broker)
        crashes = Crashes(self.broker, self.leases, self.containers, self.policy)
        self.pulse = Pulse()
        self.repositories.layout = self.layout
        self.configurations = Configurations(self.broker, self.repositories, self.containers, self.layout)
        writing = Writing(self.database, self.clock)
        launches = Launches(self.broker, self.leases, self.containers, self.pulse, writing, self.configurations)
        labour = Labour(
            self.broker,
            self.leases,
            crashes,
            self.containers,
            self.doors,
            launches,
            Deploys(self.broker, self.containers, self.repositories, launches, writing),
            writing,
            self.layout,
            self.policy,
        )
        self.lifecycle = Lifecycle(self.broker, labour, 9)
        proposals = Proposals(self.broker, self.repositories, self.configurations)
        self.approvals = Approvals(self.broker, self.lifecycle, proposals)
        self.updates = Updates(self.broker, self.lifecycle, self.approvals, self.configurations, self.containers)
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
