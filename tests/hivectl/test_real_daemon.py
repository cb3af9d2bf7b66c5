"""The same commands, answered by the daemon itself."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.protocol import ProcessProtocol
from twisted.python.failure import Failure

from tests.hivectl.scripted import Ran, start

TWISTD = str(Path(sys.executable).with_name("twistd"))
COMMAND = "sh -c 'echo at work; exec sleep 1000'"

Hivectl = Callable[..., Awaitable[Ran]]


class Daemon(ProcessProtocol):
    """A hive in a process of its own, told to take its agents with it."""

    transport: Any

    def __init__(self) -> None:
        self.log = bytearray()
        self.up: Deferred[None] = Deferred()
        self.ended: Deferred[None] = Deferred()

    def outReceived(self, data: bytes) -> None:
        self.log += data
        if b"the hive is up" in self.log and not self.up.called:
            self.up.callback(None)

    def errReceived(self, data: bytes) -> None:
        self.outReceived(data)

    def processEnded(self, reason: Failure) -> None:
        self.ended.callback(None)
        if not self.up.called:
            self.up.errback(AssertionError(self.log.decode()))


@asynccontextmanager
async def hive(path: Path) -> AsyncIterator[Hivectl]:
    """A hive below `path`, as a function that runs `hivectl` against it."""
    from twisted.internet import reactor

    loop: Any = reactor
    daemon = Daemon()
    options = ["--state-dir", str(path / "state"), "--run-dir", str(path / "run"), "--agent-command", COMMAND]
    options += ["--dashboard", "127.0.0.1:0"]
    arguments = [TWISTD, "-n", "--pidfile=", "hyperhive", "--stop-agents", *options]
    loop.spawnProcess(daemon, TWISTD, arguments, dict(os.environ), path=str(path))
    try:
        await daemon.up
        yield lambda *typed: start(*typed, HIVE_HOST_SOCKET=str(path / "run" / "host.sock"))
    finally:
        if not daemon.ended.called:
            daemon.transport.signalProcess("TERM")
        await daemon.ended


async def _story(hivectl: Hivectl) -> None:
    assert await hivectl("spawn", "alice") == (0, "alice is spawned.\n", "")
    assert await hivectl("list") == (0, "alice\nmanager\n", "")
    assert (await hivectl("spawn", "alice")).status == 1
    assert (await hivectl("send", "alice", "two\nlines")).status == 0
    sent = json.loads((await hivectl("messages", "--agent", "alice", "-n", "1", "--json")).out)["messages"][0]
    assert (sent["from"], sent["body"], sent["state"]) == ("operator", "two\nlines", "queued")
    assert "at work" in (await hivectl("logs", "alice")).out
    assert (await hivectl("restart", "alice", "manager")).out == "alice and manager are restarted.\n"
    assert (await hivectl("pause", "alice")).status == 0
    assert "alice is paused and has 1 unread: hivectl resume alice" in (await hivectl("status")).out


async def _decisions(hivectl: Hivectl) -> None:
    assert "hivectl approve 1 grants it" in (await hivectl("request-spawn", "bob")).out
    assert "hivectl approve 1" in (await hivectl("status")).out
    assert (await hivectl("approve", "1", "--wait")).status == 0
    assert (await hivectl("list")).out == "alice\nbob\nmanager\n"
    assert (await hivectl("deny", "1")).status == 1
    assert (await hivectl("stop", "bob")) == (0, "bob is stopped.\n", "")
    assert (await hivectl("destroy", "bob", "--purge", "--yes")).status == 0
    assert (await hivectl("list")).out == "alice\nmanager\n"


async def test_a_hive_is_operated_by_hivectl(short_path: Path) -> None:
    async with hive(short_path) as hivectl:
        await _story(hivectl)
        await _decisions(hivectl)
