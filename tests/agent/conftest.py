"""What the tests of the agent's program share."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import Any

import pytest
import pytest_twisted
from twisted.internet.defer import Deferred
from twisted.logger import ILogObserver, LogEvent, formatEvent, globalLogPublisher
from zope.interface import implementer

from hyperhive.agent.command import Command
from hyperhive.agent.command_runner import CommandRunner
from hyperhive.agent.link import Link
from hyperhive.agent.login_watch import LoginWatch
from hyperhive.agent.loop import Loop
from hyperhive.agent.program import Agent
from hyperhive.agent.prompting import Prompts
from hyperhive.agent.setbacks import Setbacks
from hyperhive.agent.settings import TURN_SECONDS, Settings
from hyperhive.agent.working import Working
from hyperhive.limits import CONTEXT_TOKENS
from hyperhive.wire.agent_requests import SetStatus
from tests.agent.scripted import Bench
from tests.agent.serving import RecordingClock, Serve, shell, when_cancelled
from tests.agent.small_hive import SmallHive

KNOCK = """
import socket, sys
line = socket.socket(socket.AF_UNIX)
line.connect(sys.argv[1])
line.sendall(b'{"cmd":"set_status","text":"%s"}\\n' % sys.argv[2].encode())
line.recv(100)
if sys.argv[2] == 'stays':
    line.recv(100)
"""


class Gate:
    """Where a command says that it is there, and waits until the test lets it through."""

    def __init__(self, hive: SmallHive, directory: Path) -> None:
        self._hive = hive
        path = directory / "gate"
        os.mkfifo(path)
        self._gate = os.open(path, os.O_RDWR | os.O_NONBLOCK)
        knock = directory / "knock.py"
        knock.write_text(KNOCK)
        self.knock = f"{sys.executable} -I -S {knock} {hive.path}"
        self.script = f"{self.knock} at-the-gate; read _ < {path}"

    def reached(self) -> Deferred[None]:
        """Fires when a command has come."""
        return self._hive.until(lambda: SetStatus("at-the-gate") in self._hive.asked)

    def open(self) -> None:
        """Let one through, now or when it comes."""
        os.write(self._gate, b"\n")

    def close(self) -> None:
        """Take it down."""
        os.close(self._gate)


@pytest.fixture
def reactor() -> Any:
    from twisted.internet import reactor

    return reactor


@pytest.fixture
def hive(reactor: Any, tmp_path: Path) -> Generator[SmallHive]:
    """A socket that serves alice, open."""
    small = SmallHive(reactor, tmp_path / "mcp.sock")
    small.open()
    yield small
    pytest_twisted.blockon(Deferred.fromCoroutine(small.close()))


@pytest.fixture
def gate(hive: SmallHive, tmp_path: Path) -> Generator[Gate]:
    """A place for a command to wait at."""
    gate = Gate(hive, tmp_path)
    yield gate
    gate.close()


@pytest.fixture
def said() -> Generator[list[str]]:
    """The agent's log, line by line."""
    lines: list[str] = []

    @implementer(ILogObserver)
    def observe(event: LogEvent) -> None:
        if event["log_namespace"].startswith("hyperhive.agent"):
            lines.append(formatEvent(event))

    globalLogPublisher.addObserver(observe)
    yield lines
    globalLogPublisher.removeObserver(observe)


@pytest.fixture
def serve(reactor: Any, hive: SmallHive) -> Generator[Serve]:
    """Starts an agent that gives its mail to a shell script."""
    agents: list[Agent] = []

    def start(script: str | None) -> Agent:
        agents.append(Agent(reactor, hive.path, shell(script) if script else Settings(), {}))
        agents[-1].start()
        return agents[-1]

    yield start
    for agent in agents:
        pytest_twisted.blockon(Deferred.fromCoroutine(agent.stop()))


@pytest.fixture
def clock(reactor: Any) -> RecordingClock:
    return RecordingClock(reactor)


@pytest.fixture
def serve_by_clock(reactor: Any, hive: SmallHive, clock: RecordingClock) -> Generator[Callable[[str], None]]:
    """Starts an agent whose pauses and renewals go by `clock`."""
    links = Link(reactor, hive.path), Link(reactor, hive.path, silent=True)
    parts: list[tuple[Loop, Deferred[None]]] = []

    def start(script: str) -> None:
        runner = CommandRunner(reactor, Command(reactor, ["sh", "-c", script]), TURN_SECONDS)
        loop = Loop(
            clock,
            links[0],
            links[1],
            runner,
            Working(links[0], runner, Prompts(places={})),
            setbacks=Setbacks(clock, lambda: 0.0),
            login=LoginWatch(clock, None),
            context_tokens=CONTEXT_TOKENS,
        )
        for link in links:
            link.start()
        parts.append((loop, Deferred.fromCoroutine(loop.serve())))

    yield start
    for loop, served in parts:
        loop.stop(0)
        pytest_twisted.blockon(served.addErrback(when_cancelled))
    for link in links:
        pytest_twisted.blockon(link.stop())


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    made = Bench(tmp_path / "credentials")
    made.start()
    yield made
    made.daemon.come_back()
    made.loop.stop(0)
    assert made.over.called
    assert made.clock.getDelayedCalls() == []
