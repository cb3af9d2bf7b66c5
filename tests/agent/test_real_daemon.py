"""`hive-agent serve` under the daemon itself, which is killed while the command is at work."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import orjson
import pytest
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import UNIXClientEndpoint, connectProtocol
from twisted.internet.protocol import ProcessProtocol
from twisted.python.failure import Failure

from hyperhive.protocols.asker import Asker
from hyperhive.wire import host_requests
from hyperhive.wire.codec import HOST
from hyperhive.wire.host_turn_requests import CancelTurn, Compact, Turns
from hyperhive.wire.states import MessageState
from tests.agent.conftest import Gate

TWISTD = str(Path(sys.executable).with_name("twistd"))


class Daemon(ProcessProtocol):
    """`twistd hyperhive`; `up` fires when it serves, `ended` when it is gone."""

    transport: Any

    def __init__(self) -> None:
        self.output = b""
        self.up: Deferred[None] = Deferred()
        self.ended: Deferred[None] = Deferred()

    def outReceived(self, data: bytes) -> None:
        self.output += data
        if b"the hive is up" in self.output and not self.up.called:
            self.up.callback(None)

    def processEnded(self, reason: Failure) -> None:
        if not self.up.called:
            self.up.errback(AssertionError(self.output.decode()))
        self.ended.callback(None)


@asynccontextmanager
async def daemon(reactor: Any, path: Path, end: signal.Signals) -> AsyncIterator[Asker]:
    """The daemon with its state below `path`, as a connection of the operator's; `end` is what ends it."""
    process = Daemon()
    words = [TWISTD, "-n", "--pidfile=", "hyperhive", "--stop-agents", "--dashboard=off"]
    words += [f"--state-dir={path / 's'}", f"--run-dir={path / 'r'}", f"--config={path / 'hive.toml'}"]
    reactor.spawnProcess(process, TWISTD, words, dict(os.environ), childFDs={0: "w", 1: "r", 2: 1}, path=str(path))
    await process.up
    operator = await connectProtocol(UNIXClientEndpoint(reactor, str(path / "r" / "host.sock")), Asker(HOST))
    try:
        yield operator
    finally:
        process.transport.signalProcess(end)
        await process.ended
        await operator.close()


async def until_done(reactor: Any, path: Path, number: int) -> None:
    """Returns when that message is done."""
    done: Deferred[None] = Deferred()

    def see(line: bytes) -> None:
        message = orjson.loads(line)["change"].get("message", {})
        if (message.get("id"), message.get("state")) == (number, "done") and not done.called:
            done.callback(None)

    where = UNIXClientEndpoint(reactor, str(path / "r" / "host.sock"))
    feed, operator = [await connectProtocol(where, Asker(HOST)) for _ in range(2)]
    await feed.follow(host_requests.Subscribe(), see)
    rows = (await operator.ask(host_requests.Messages(10))).messages
    if not any(row.id == number and row.state is MessageState.DONE for row in rows):
        await done
    await feed.close()
    await operator.close()


@pytest.mark.deadline(60)
async def test_a_message_under_way_when_the_daemon_is_killed_is_answered_once(reactor: Any, gate: Gate) -> None:
    with TemporaryDirectory(prefix="hive-agent-") as directory:
        path = Path(directory)
        runs = path / "runs"
        script = f'test "$HIVE_AGENT" = alice || exit 0; echo run >> {runs}; {gate.script}; printf "re: "; cat'
        (path / "hive.toml").write_text(f"[agent]\nrunner_command = ['sh', '-c', '''{script}''']\n")
        async with daemon(reactor, path, signal.SIGKILL) as operator:
            assert (await operator.ask(host_requests.Spawn("alice"))).ok
            number = (await operator.ask(host_requests.Send("alice", "hello"))).id
            await gate.reached()
        gate.open()
        async with daemon(reactor, path, signal.SIGTERM) as operator:
            await until_done(reactor, path, number)
            replies = (await operator.ask(host_requests.Inbox(10))).inbox
        assert [(reply.sender, reply.body, reply.in_reply_to) for reply in replies] == [("alice", "re: hello", number)]
        assert runs.read_text() == "run\n"


@pytest.mark.deadline(60)
async def test_an_order_reaches_a_command_at_work_and_what_it_can_not_do_is_refused(reactor: Any, gate: Gate) -> None:
    with TemporaryDirectory(prefix="hive-agent-") as directory:
        path = Path(directory)
        script = f'test "$HIVE_AGENT" = alice || exit 0; test -n "$HIVE_REDELIVERED" || {{ {gate.script}; }}; cat'
        (path / "hive.toml").write_text(f"[agent]\nrunner_command = ['sh', '-c', '''{script}''']\n")
        async with daemon(reactor, path, signal.SIGTERM) as operator:
            assert (await operator.ask(host_requests.Spawn("alice"))).ok
            number = (await operator.ask(host_requests.Send("alice", "hello"))).id
            await gate.reached()
            assert (await operator.ask(CancelTurn("alice"))).ok
            await until_done(reactor, path, number)
            assert not (await operator.ask(CancelTurn("alice"))).ok
            refusal = await operator.ask(Compact("alice"))
            assert refusal.error == "'alice' works by the runner 'command', which has no context"
            gate.open()
            await until_done(reactor, path, (await operator.ask(host_requests.Send("alice", "more"))).id)
            turns = (await operator.ask(Turns(10, "alice"))).turns
        assert [(turn.messages, turn.outcome.value, turn.error) for turn in reversed(turns)] == [
            ((number,), "cancelled", "the operator cancelled it"),
            ((number,), "done", None),
            (turns[0].messages, "done", None),
        ]
