"""The installed program: its exit statuses, its terminal, its completion."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from twisted.internet.defer import Deferred
from twisted.internet.error import ProcessDone, ProcessTerminated
from twisted.internet.protocol import ProcessProtocol
from twisted.internet.utils import getProcessOutputAndValue
from twisted.python.failure import Failure

from hyperhive.hivectl.places import candidates
from hyperhive.wire.records import Change, ConfigEvent
from hyperhive.wire.responses import HostResponse
from hyperhive.wire.states import ApprovalKind, MessageState
from tests.hivectl.rows import NOW, agent, approval, held_thread, message, question, turn
from tests.hivectl.scripted import HIVECTL, OK, Conversation, Ran, ScriptedDaemon, refused, start

WAITING = (
    approval(description="\n"),
    approval(8, decided_at=1),
    approval(9, kind=ApprovalKind.APPLY_COMMIT, commit_ref="c0ffee"),
)
HISTORY = HostResponse(
    ok=True,
    config_log=tuple(
        ConfigEvent(tag=tag, sha="c0ffee", at=NOW, text="two\nlines")
        for tag in ("deployed/3", "denied/2", "proposal/1")
    ),
)
TWO = HostResponse(ok=True, agents=("alice", "manager"))


async def test_done_is_status_0(daemon: ScriptedDaemon) -> None:
    daemon.answers["List"] = TWO
    assert await daemon.start("list") == (0, "alice\nmanager\n", "")


async def test_refused_is_status_1(daemon: ScriptedDaemon) -> None:
    daemon.answers["List"] = refused("no")
    assert await daemon.start("list") == (1, "", "hivectl: no\n")


@pytest.mark.parametrize("arguments", [(), ("nonsense",), ("kill",), ("destroy", "alice", "--purge")])
async def test_a_wrong_command_line_is_status_2(daemon: ScriptedDaemon, arguments: tuple[str, ...]) -> None:
    ran = await daemon.start(*arguments)
    assert ran.status == 2
    assert "Traceback" not in ran.err
    assert daemon.asked == []


async def test_no_daemon_is_status_3(tmp_path: Path) -> None:
    ran = await start("list", HOME=str(tmp_path), XDG_RUNTIME_DIR=str(tmp_path / "run"))
    assert (ran.status, ran.out) == (3, "")
    assert f"{tmp_path}/run/hyperhive/host.sock does not exist" in ran.err
    assert f"{tmp_path}/.local/state/hyperhive/run/host.sock does not exist" in ran.err


async def test_the_first_default_socket_that_takes_a_connection_is_used(short_path: Path) -> None:
    below = short_path / "hyperhive" / "run"
    below.mkdir(parents=True)
    port = ScriptedDaemon(str(below / "host.sock"), {"List": TWO}).listen()
    try:
        ran = await start("list", HOME="/nowhere", XDG_RUNTIME_DIR=str(short_path), XDG_STATE_HOME=str(short_path))
    finally:
        await port.stopListening()
    assert ran == (0, "alice\nmanager\n", "")


@pytest.mark.parametrize(
    ("given", "environ", "paths"),
    [
        ("/x", {"HOME": "/h"}, ["/x"]),
        (None, {"HOME": "/h"}, ["/run/hyperhive/host.sock", "/h/.local/state/hyperhive/run/host.sock"]),
        (
            None,
            {"HOME": "/h", "XDG_RUNTIME_DIR": "/r", "XDG_STATE_HOME": "/s"},
            ["/run/hyperhive/host.sock", "/r/hyperhive/host.sock", "/s/hyperhive/run/host.sock"],
        ),
    ],
)
def test_the_socket_is_looked_for_where_daemons_put_it(given: Any, environ: Any, paths: list[str]) -> None:
    assert list(candidates(given, environ)) == paths


async def test_ctrl_c_is_status_130(daemon: ScriptedDaemon) -> None:
    running = Running()
    daemon.answers["Kill"] = lambda *_: running.transport.signalProcess(signal.SIGINT)
    ran = await running.start(daemon, "kill", "alice")
    assert ran == (130, "", "hivectl: interrupted; the operation goes on, hivectl operations shows it\n")


async def test_a_terminal_gets_a_table_with_colour(daemon: ScriptedDaemon) -> None:
    daemon.answers["AgentStatus"] = HostResponse(ok=True, agent_statuses=(agent(status_text="\x1b[2J"),))
    ran = await Running().start(daemon, "agents", terminal=True)
    assert ran.status == 0
    assert "\x1b[32mrunning" in ran.out
    assert "\\x1b[2J" in ran.out
    assert "\x1b[2J" not in ran.out


async def test_a_reader_that_leaves_is_no_error(daemon: ScriptedDaemon) -> None:
    def subscribe(conversation: Conversation, _request: Any) -> None:
        conversation.say(HostResponse(ok=True))
        for number in range(5000):
            conversation.say(HostResponse(ok=True, seq=number, change=Change(kind="message", message=message(number))))

    daemon.answers["Subscribe"] = subscribe
    command = f"{HIVECTL} events --json | head -n 2; echo ${{PIPESTATUS[0]}}"
    environ = {**os.environ, "HIVE_HOST_SOCKET": daemon.path}
    out, err, _ = await getProcessOutputAndValue("/bin/bash", ["-c", command], environ)
    assert out.splitlines()[2:] == [b"0"]
    assert err == b""


@pytest.mark.parametrize("arguments", ["list", "list --json", "--help", "help status", "completion bash"])
async def test_an_output_that_takes_nothing_is_told_of(daemon: ScriptedDaemon, arguments: str) -> None:
    daemon.answers["List"] = TWO
    environ = {**os.environ, "HIVE_HOST_SOCKET": daemon.path}
    ran = await getProcessOutputAndValue("/bin/sh", ["-c", f"{HIVECTL} {arguments} > /dev/full"], environ)
    assert ran == (b"", b"hivectl: standard output can't be written: No space left on device\n", 1)


async def test_help_explains_a_command_as_its_own_option_does() -> None:
    assert await start("help", "kill") == await start("kill", "--help")
    assert await start("help") == await start("--help")
    assert await start("help", "image", "build") == await start("image", "build", "--help")


async def test_json_is_utf_8_whatever_the_locale(daemon: ScriptedDaemon) -> None:
    daemon.answers["List"] = HostResponse(ok=True, agents=("ü",))
    latin = await daemon.start("list", PYTHONIOENCODING="ascii")
    assert latin == (0, "\\xfc\n", "")
    assert '"ü"' in (await daemon.start("list", "--json", PYTHONIOENCODING="ascii")).out


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
async def test_a_completion_script_is_one_that_its_shell_can_read(shell: str, tmp_path: Path) -> None:
    ran = await start("completion", shell)
    assert (ran.status, ran.err) == (0, "")
    assert "_HIVECTL_COMPLETE" in ran.out
    if shutil.which(shell) is None:
        pytest.skip(f"{shell} is not installed; its script was printed")
    script = tmp_path / "script"
    script.write_text(ran.out)
    out, err, status = await getProcessOutputAndValue(shutil.which(shell) or shell, ["-n", str(script)])
    assert (out, err, status) == (b"", b"", 0)


async def test_bash_completes_the_names_of_agents(daemon: ScriptedDaemon, tmp_path: Path) -> None:
    daemon.answers["List"] = HostResponse(ok=True, agents=("alice", "albert", "manager"))
    script = tmp_path / "script"
    script.write_text((await start("completion", "bash")).out)
    lines = (
        f". {script}; COMP_WORDS=(hivectl kill al); COMP_CWORD=2; _hivectl_completion {HIVECTL}; echo ${{COMPREPLY[@]}}"
    )
    environ = {**os.environ, "HIVE_HOST_SOCKET": daemon.path}
    out, err, _ = await getProcessOutputAndValue("/bin/bash", ["-c", lines], environ)
    assert (out, err) == (b"alice albert\n", b"")


@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        ("hivectl ca", ["cancel-question", "cancel-turn"]),
        ("hivectl config ", ["log", "show"]),
        ("hivectl config log al", ["alice"]),
        ("hivectl config show alice d", ["deployed/3", "denied/2"]),
        ("hivectl rollback alice deployed/", ["deployed/3"]),
        ("hivectl diff ", ["9"]),
        ("hivectl diff 9 --against ", ["running", "last-approved", "previous-proposal"]),
        ("hivectl diff 9 --against l", ["last-approved"]),
        ("hivectl restart alice ", ["bob", "manager"]),
        ("hivectl send al", ["alice"]),
        ("hivectl send ", ["alice", "bob", "manager", "operator", "*"]),
        ("hivectl help image ", ["build", "show"]),
        ("hivectl help kill ", []),
        ("hivectl image build --suite ", ["bookworm", "trixie"]),
        ("hivectl image build --suite t", ["trixie"]),
        ("hivectl help re", ["request-spawn", "restart", "rebuild", "resume", "release", "requeue", "revoke"]),
        ("hivectl messages --agent b", ["bob"]),
        ("hivectl approve ", ["7", "9"]),
        ("hivectl deny 8", []),
        ("hivectl answer ", ["3"]),
        ("hivectl answer 3 --choose ", ["main", "dev"]),
        ("hivectl answer 3 --choose d", ["dev"]),
        ("hivectl cancel-question ", ["3"]),
        ("hivectl requeue ", ["41"]),
        ("hivectl release ", ["12"]),
        ("hivectl turn ", ["7"]),
        ("hivectl login al", ["alice"]),
    ],
)
async def test_what_is_typed_is_completed_by_what_the_daemon_knows(
    daemon: ScriptedDaemon, typed: str, offered: list[str]
) -> None:
    daemon.answers |= {
        "List": HostResponse(ok=True, agents=("alice", "bob", "manager")),
        "Pending": HostResponse(ok=True, approvals=WAITING),
        "ConfigLog": lambda conversation, request: conversation.say(HISTORY if request.name == "alice" else OK),
        "Questions": HostResponse(ok=True, questions=(question(question="two\nlines"),)),
        "Turns": HostResponse(ok=True, turns=(turn(),)),
        "DeadLetters": HostResponse(ok=True, messages=(message(state=MessageState.DEAD, body="\x1b"),)),
        "Held": HostResponse(ok=True, held=(held_thread(),)),
    }
    assert await completed(typed, HIVE_HOST_SOCKET=daemon.path) == offered


async def test_the_socket_on_the_line_is_the_one_that_completes(daemon: ScriptedDaemon) -> None:
    daemon.answers["List"] = TWO
    assert await completed(f"hivectl --socket {daemon.path} kill ") == ["alice", "manager"]


async def test_without_a_daemon_nothing_is_offered_and_nothing_is_said(tmp_path: Path) -> None:
    assert await completed("hivectl kill ", HIVE_HOST_SOCKET=str(tmp_path / "none")) == []


@pytest.mark.parametrize("line", [b"", b"[]", b'{"ok":false}', b"\xff"])
async def test_an_answer_that_makes_no_sense_completes_nothing(daemon: ScriptedDaemon, line: bytes) -> None:
    daemon.answers["List"] = line
    assert await completed("hivectl kill ", HIVE_HOST_SOCKET=daemon.path) == []


@pytest.mark.parametrize("arguments", [["--help"], ["kill", "--help"], ["lst"], ["completion", "bash"]])
def test_what_needs_no_daemon_waits_for_no_twisted(arguments: list[str]) -> None:
    assert imported(arguments) == ""


def test_rich_is_not_imported_for_a_pipe(tmp_path: Path) -> None:
    assert imported(["--socket", str(tmp_path / "none"), "list"]) == "twisted cattrs"


def imported(arguments: list[str]) -> str:
    """Which of the heavy packages a run imports."""
    program = (
        "import sys; from hyperhive.hivectl.main import main\n"
        "try: main()\nexcept SystemExit: pass\n"
        'sys.stdout = sys.__stdout__; print(end="imported:")\n'
        'print(*[name for name in ("twisted", "cattrs", "rich") if name in sys.modules])'
    )
    done = subprocess.run([sys.executable, "-c", program, *arguments], capture_output=True, text=True, check=True)
    return done.stdout.rpartition("imported:")[2].strip()


async def completed(typed: str, **environ: str) -> list[str]:
    """What is offered after these words; the last one is incomplete."""
    words = typed.split(" ")
    ran = await start(_HIVECTL_COMPLETE="bash_complete", COMP_WORDS=typed, COMP_CWORD=str(len(words) - 1), **environ)
    assert (ran.status, ran.err) == (0, "")
    return [line.partition(",")[2] for line in ran.out.splitlines() if line]


class Running(ProcessProtocol):
    """A `hivectl` that can be interrupted, or has a terminal of its own."""

    transport: Any

    def __init__(self) -> None:
        self._out, self._err = bytearray(), bytearray()
        self._ended: Deferred[int] = Deferred()

    async def start(self, daemon: ScriptedDaemon, *arguments: str, terminal: bool = False) -> Ran:
        from twisted.internet import reactor

        loop: Any = reactor
        environ = {**os.environ, "HIVE_HOST_SOCKET": daemon.path, "TERM": "xterm-256color", "COLUMNS": "100"}
        environ.pop("NO_COLOR", None)
        loop.spawnProcess(self, HIVECTL, [HIVECTL, *arguments], environ, usePTY=terminal)
        status = await self._ended
        return Ran(status, self._out.decode(), self._err.decode())

    def outReceived(self, data: bytes) -> None:
        self._out += data

    def errReceived(self, data: bytes) -> None:
        self._err += data

    def processEnded(self, reason: Failure) -> None:
        assert isinstance(reason.value, ProcessDone | ProcessTerminated)
        self._ended.callback(-1 if reason.value.exitCode is None else reason.value.exitCode)
