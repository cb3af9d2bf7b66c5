"""`hive-agent serve` as a process."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Generator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import pytest_twisted
from twisted.internet.defer import Deferred
from twisted.internet.error import ProcessExitedAlready
from twisted.internet.protocol import ProcessProtocol
from twisted.python.failure import Failure

from hyperhive.wire.agent_requests import Send, Whoami
from tests.agent.conftest import Gate
from tests.agent.small_hive import SmallHive
from tests.hivectl.scripted import ScriptedDaemon


class Program(ProcessProtocol):
    """One running `hive-agent serve`; `ended` fires with its exit status, negative for a signal."""

    transport: Any

    def __init__(self) -> None:
        self.errors = b""
        self.ended: Deferred[int] = Deferred()

    def errReceived(self, data: bytes) -> None:
        self.errors += data

    def processEnded(self, reason: Failure) -> None:
        end: Any = reason.value
        self.ended.callback(end.exitCode if end.signal is None else -end.signal)

    def signal(self, number: signal.Signals) -> None:
        self.transport.signalProcess(number)


Start = Callable[[Mapping[str, str]], Program]


@pytest.fixture
def start(reactor: Any) -> Generator[Start]:
    """Starts the program with that in its environment."""
    programs: list[Program] = []

    def start(environment: Mapping[str, str]) -> Program:
        words = [sys.executable, "-m", "hyperhive.agent", "serve"]
        programs.append(Program())
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("HIVE_")}
        reactor.spawnProcess(programs[-1], words[0], words, {**inherited, **environment})
        return programs[-1]

    yield start
    for program in programs:
        if not program.ended.called:
            with suppress(ProcessExitedAlready):
                program.signal(signal.SIGKILL)
            pytest_twisted.blockon(program.ended)


async def test_sigterm_puts_back_what_is_in_hand_and_ends_it_with_status_0(
    hive: SmallHive, start: Start, gate: Gate
) -> None:
    hive.deliver("bob", "hello")
    hive.deliver("bob", "hello")
    program = start({"HIVE_SOCKET": hive.path, "HIVE_RUNNER_COMMAND": f"sh -c '{gate.script}'"})
    await gate.reached()
    program.signal(signal.SIGTERM)
    assert await program.ended == 0
    assert hive.put_back == [(1, False)]
    assert hive.unread() == 2


async def test_sigterm_ends_an_idle_one_at_once(hive: SmallHive, start: Start) -> None:
    program = start({"HIVE_SOCKET": hive.path, "HIVE_RUNNER_COMMAND": "cat"})
    await hive.until(hive.parked)
    program.signal(signal.SIGTERM)
    assert await program.ended == 0


async def test_sigterm_ends_one_without_a_runner_and_its_log_said_how_to_name_one(
    hive: SmallHive, start: Start
) -> None:
    hive.deliver("bob", "hello")
    program = start({"HIVE_SOCKET": hive.path})
    await hive.until(lambda: Whoami() in hive.asked)
    program.signal(signal.SIGTERM)
    assert await program.ended == 0
    assert b"runner_command under [agent]" in program.errors
    assert hive.unread() == 1


async def test_the_runner_is_split_into_words_and_gets_no_shell(hive: SmallHive, start: Start) -> None:
    hive.deliver("bob", "hello")
    start({"HIVE_SOCKET": hive.path, "HIVE_RUNNER_COMMAND": "printf '%s|' 'two words' $HOME ';' id"})
    await hive.until(lambda: hive.done)
    assert hive.sent == [Send("bob", "two words|$HOME|;|id|", 1)]


async def test_log_lines_carry_the_time_and_what_the_command_complains_of_stands_among_them(
    hive: SmallHive, start: Start
) -> None:
    hive.deliver("bob", "hello")
    program = start({"HIVE_SOCKET": hive.path, "HIVE_RUNNER_COMMAND": "sh -c 'echo complaint >&2'"})
    await hive.until(lambda: hive.done)
    program.signal(signal.SIGTERM)
    await program.ended
    complaint, *lines = sorted(program.errors.decode().splitlines(), key=lambda line: line != "complaint")
    assert complaint == "complaint"
    assert [line.split(" ", 2)[2] for line in lines] == [
        "connected as alice (agent) of testhive, start 3",
        "message 1 from bob: done, without a reply",
    ]


async def test_a_command_does_not_outlive_a_killed_program(hive: SmallHive, start: Start, gate: Gate) -> None:
    hive.deliver("bob", "hello")
    words = f"sh -c 'exec {gate.knock} stays'"
    program = start({"HIVE_SOCKET": hive.path, "HIVE_RUNNER_COMMAND": words})
    await hive.until(lambda: len(hive.connections) == 3)
    program.signal(signal.SIGKILL)
    assert await program.ended == -signal.SIGKILL
    await hive.until(lambda: not hive.connections)


@pytest.mark.parametrize("runner", ["", "cat"])
async def test_the_operators_socket_is_called_one_and_left(start: Start, tmp_path: Path, runner: str) -> None:
    daemon = ScriptedDaemon(str(tmp_path / "host.sock"))
    port = daemon.listen()
    program = start({"HIVE_SOCKET": daemon.path, "HIVE_RUNNER_COMMAND": runner})
    try:
        assert await program.ended == 1
    finally:
        await port.stopListening()
    told = f"{daemon.path} is the operator's socket; use the agent's own, mcp.sock in the agent's run directory"
    assert program.errors.decode().splitlines()[-1].endswith(told)
    assert b"Traceback" not in program.errors


@pytest.mark.parametrize(
    ("environment", "sentence"),
    [
        ({}, b"hive-agent: HIVE_SOCKET is not set; it must hold the path of the agent's socket"),
        (
            {"HIVE_SOCKET": "/run/a", "HIVE_RUNNER_COMMAND": "sh -c 'cat"},
            b"hive-agent: HIVE_RUNNER_COMMAND can't be split into words (No closing quotation)",
        ),
    ],
)
async def test_a_wrong_environment_is_one_sentence_and_status_2(
    start: Start, environment: dict[str, str], sentence: bytes
) -> None:
    program = start(environment)
    assert await program.ended == 2
    assert program.errors.startswith(sentence)
    assert program.errors.count(b"\n") == 1
