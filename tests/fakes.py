"""Stand-ins for what lies outside: a worker that a test cranks, containers, doors."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from twisted.internet.defer import Deferred
from zope.interface import implementer
from zope.interface.verify import verifyClass

from hyperhive.agent_config import AgentConfig
from hyperhive.boundaries import Consumption, IContainers, IDoors, Plan, Running
from hyperhive.store.database import Job

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


def _pass_on(result: None, waiting: Deferred[None]) -> None:
    waiting.callback(None)
    return result
