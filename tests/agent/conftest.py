"""What the tests of the agent's program share."""

from __future__ import annotations

import os
import sys
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest
import pytest_twisted
from twisted.internet.defer import Deferred
from twisted.logger import ILogObserver, LogEvent, formatEvent, globalLogPublisher
from zope.interface import implementer

from hyperhive.wire.agent_requests import SetStatus
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
