"""A hive of shell scripts: the `local` backend with real processes in a temporary directory."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import pytest_twisted
from attrs import define, field
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReadDescriptor
from twisted.python.failure import Failure
from zope.interface import implementer

from hyperhive.containers import proc
from hyperhive.containers.local import LocalContainers
from hyperhive.layout import Layout
from tests.containers.buses import Bus

# The script of an agent that runs until it is ended.
FOREVER = "exec sleep 1000"


class Hints:
    """Given to `watch`: counts its calls, and lets a test wait for the next."""

    def __init__(self) -> None:
        self.count = 0
        self._waiting: list[Deferred[None]] = []

    def __call__(self) -> None:
        self.count += 1
        waiting, self._waiting = self._waiting, []
        for one in waiting:
            one.callback(None)

    def next(self) -> Deferred[None]:
        waiting: Deferred[None] = Deferred()
        self._waiting.append(waiting)
        return waiting


@implementer(IReadDescriptor)
class Told:
    """A named pipe in an agent's directory, `told`: a test waits for the next line that an agent writes there."""

    def __init__(self, reactor: Any, path: Path) -> None:
        os.mkfifo(path)
        self.reactor = reactor
        self._descriptor = os.open(path, os.O_RDWR | os.O_NONBLOCK)
        self._buffer = b""
        self._waiting: Deferred[str] | None = None

    def line(self) -> Deferred[str]:
        self._waiting = Deferred()
        self.reactor.addReader(self)
        return self._waiting

    def doRead(self) -> None:
        self._buffer += os.read(self._descriptor, 65536)
        if b"\n" in self._buffer and self._waiting is not None:
            line, _, self._buffer = self._buffer.partition(b"\n")
            self.reactor.removeReader(self)
            waiting, self._waiting = self._waiting, None
            waiting.callback(line.decode())

    def close(self) -> None:
        self.reactor.removeReader(self)
        os.close(self._descriptor)

    def fileno(self) -> int:
        return self._descriptor

    def connectionLost(self, reason: Failure) -> None: ...

    def logPrefix(self) -> str:
        return "told"


@define
class Hive:
    """Scripts by agent name, and as many backends as a test makes, one after the other."""

    reactor: Any
    layout: Layout
    scripts: dict[str, list[str]] = field(factory=dict)
    extra: dict[str, str] = field(factory=dict)
    _made: list[LocalContainers] = field(factory=list)
    _told: list[Told] = field(factory=list)

    def agent(self, name: str, script: str) -> Told:
        """An agent that runs the shell script, in which `tell WORDS` is heard by the test."""
        notes = self.layout.notes(name)
        notes.mkdir(parents=True)
        self.scripts[name] = ["/bin/sh", "-c", 'tell() { echo "$*" > "$HIVE_STATE_DIR/told"; }; ' + script]
        self._told.append(told := Told(self.reactor, notes / "told"))
        return told

    def backend(self, **options: Any) -> tuple[LocalContainers, Hints]:
        """A backend as a daemon has it after its start; the one before is closed."""
        for former in self._made:
            former.close()
        containers = LocalContainers(
            self.reactor, self.layout, self.scripts.__getitem__, self.extra, **{"grace": 5.0, **options}
        )
        containers.watch(hints := Hints())
        self._made.append(containers)
        return containers, hints

    async def end(self) -> None:
        """End every agent that a test left."""
        containers, _ = self.backend()
        for name in await containers.running():
            await containers.stop(name, graceful=False)
        containers.close()
        for told in self._told:
            told.close()


@pytest.fixture
def reactor() -> Any:
    from twisted.internet import reactor

    return reactor


@pytest.fixture
def bus(reactor: Any, tmp_path: Path) -> Iterator[Bus]:
    """A real message bus, with nobody on it."""
    bus = Bus(reactor, tmp_path)
    bus.start()
    yield bus
    bus.close()


@pytest_twisted.async_yield_fixture
async def hive(tmp_path: Path) -> AsyncIterator[Hive]:
    from twisted.internet import reactor

    it = Hive(reactor, Layout(state=tmp_path / "state", run=tmp_path / "run"))
    yield it
    await it.end()


@pytest.fixture(autouse=True)
def no_process_left(tmp_path: Path) -> Iterator[None]:
    """Fail a test after which a process descriptor is open, or something runs with the test's directory in mind."""
    before = process_descriptors()
    yield
    assert process_descriptors() == before
    mark = os.fsencode(tmp_path / "state")
    left = [pid for pid in proc.ours() if any(mark in value for value in proc.environment(pid).values())]
    assert not left


def descriptors(pid: int) -> dict[str, str]:
    """What the open descriptors of a process are of, by their numbers."""
    found = {}
    for path in Path(f"/proc/{pid}/fd").iterdir():
        with suppress(FileNotFoundError):  # of ourselves, a thread may be opening and closing some
            found[path.name] = str(path.readlink())
    return found


def process_descriptors() -> int:
    """How many of our own descriptors are of processes."""
    return sum("pidfd" in target for target in descriptors(os.getpid()).values())


def alive(pid: int) -> bool:
    """Whether the process of that number runs; a zombie does not."""
    process = proc.look(pid)
    return process is not None and not process.ended
