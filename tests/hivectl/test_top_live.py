"""`hivectl top` on a terminal, with a daemon."""

from __future__ import annotations

import os
import pty
import re
import select
import signal
import subprocess
import termios
import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.daemon.client import PATIENCE, next_event
from tests.daemon.conftest import short_lived
from tests.daemon.harness import HIVECTL, Hive

ESCAPES = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]|\x1b[()][A-Z0-9]|\x1b[=>]")


class Seat:
    """A terminal at which `hivectl top` runs."""

    def __init__(self, hive: Hive) -> None:
        self.outer, self.inner = pty.openpty()
        termios.tcsetwinsize(self.outer, (40, 120))
        self.before = termios.tcgetattr(self.inner)
        self.seen = ""
        self.program = subprocess.Popen(
            [HIVECTL, "top", "--socket", str(hive.run / "host.sock")],
            stdin=self.inner, stdout=self.inner, stderr=self.inner, start_new_session=True,
            env={**os.environ, "TERM": "xterm-256color"},
        )  # fmt: skip

    def wait_for(self, text: str) -> None:
        """Return once that was drawn; what was drawn up to there is seen no more."""
        until = time.monotonic() + PATIENCE
        while text not in self.shown:
            left = until - time.monotonic()
            assert left > 0, f"{text!r} was not drawn, but: {self.shown[-6000:]}"
            if select.select([self.outer], [], [], left)[0]:
                self.seen += os.read(self.outer, 65536).decode(errors="replace")
        self.seen = ""

    @property
    def shown(self) -> str:
        """What was drawn, without where and how."""
        return ESCAPES.sub("", self.seen)

    def press(self, keys: str) -> None:
        """Press keys."""
        os.write(self.outer, keys.encode())

    def end(self) -> int:
        """How it ended; what it drew to the end stays in `seen`."""
        while self.program.poll() is None:
            if select.select([self.outer], [], [], 0.1)[0]:
                self.seen += os.read(self.outer, 65536).decode(errors="replace")
        while select.select([self.outer], [], [], 0)[0]:
            self.seen += os.read(self.outer, 65536).decode(errors="replace")
        return self.program.returncode

    def is_given_back(self) -> bool:
        """Whether the terminal is as it was: its modes, its cursor, and the screen that was there before."""
        modes: list[Any] = termios.tcgetattr(self.inner)
        return modes == self.before and "\x1b[?1049l" in self.seen and "\x1b[?25h" in self.seen

    def close(self) -> None:
        """End it, if it has not ended."""
        if self.program.poll() is None:
            self.program.kill()
            self.program.wait()
        os.close(self.outer)
        os.close(self.inner)


@pytest.fixture
def hive() -> Iterator[Hive]:
    with short_lived() as hive:
        hive.start()
        yield hive


@pytest.fixture
def seat(hive: Hive) -> Iterator[Seat]:
    seat = Seat(hive)
    yield seat
    seat.close()


def test_it_shows_the_hive_and_what_changes_and_gives_the_terminal_back(hive: Hive, seat: Seat) -> None:
    seat.wait_for("Nothing needs you.")
    with hive.manager() as manager:
        manager.ask("ask_operator", question="Which colour?", options=["red", "green"], multi=False)
    seat.wait_for('manager asks "Which colour?" (red | green)')
    seat.press("q")
    assert seat.end() == 0
    assert seat.is_given_back()


def test_a_question_is_answered_and_a_spawn_approved_with_keys_alone(hive: Hive, seat: Seat) -> None:
    with hive.manager() as manager:
        manager.ask("ask_operator", question="Which colour?", options=["red", "green"], multi=False)
        seat.wait_for("Which colour?")
        seat.press("r2\r")
        seat.wait_for("Answer question 1 with 'green'?")
        seat.press("y")
        seat.wait_for("Question 1 is answered.")
        assert next_event(manager, "operator_answered")["answer"] == "green"
        manager.ask("request_spawn", name="alice", description="to help")
    seat.wait_for("approval 1: spawn alice")
    seat.press("a")
    seat.wait_for("Approve 1 (spawn alice)?")
    seat.press("y")
    seat.wait_for("Approval 1 is granted.")
    with hive.host() as host:
        assert host.ask("pending", all=True)["approvals"][0]["decided_by"] == "operator"


def test_a_commit_is_shown_before_it_can_be_approved(hive: Hive, seat: Seat) -> None:
    with hive.host() as host:
        assert host.ask("spawn", name="alice")["ok"]
    text = (hive.state / "proposed/alice/agent.toml").read_text()
    commit = hive.propose("alice", text + "\n# a remark of \u202esomebody's\n")
    with hive.manager() as manager:
        manager.ask("request_apply_commit", agent="alice", commit_ref=commit)
    seat.wait_for("apply_commit alice")
    seat.press("a")
    seat.wait_for("+# a remark of <U+202E>somebody's")
    seat.press("a")
    seat.wait_for("Approve 1 (apply_commit alice)?")
    seat.press("y")
    seat.wait_for("Approval 1 is granted.")


def test_a_daemon_that_goes_away_is_said_to_and_it_comes_back_by_itself(hive: Hive, seat: Seat) -> None:
    seat.wait_for("Nothing needs you.")
    hive.daemons[-1].kill()
    seat.wait_for("Not live, what you see is from before:")
    hive.start()
    with hive.manager() as manager:
        assert manager.ask("ask_operator", question="Are you back?", options=[], multi=False)["kind"] != "error"
    seat.wait_for("Are you back?")
    seat.press("q")
    assert seat.end() == 0


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 130)])
def test_a_signal_ends_it_and_the_terminal_is_given_back(seat: Seat, number: signal.Signals, status: int) -> None:
    seat.wait_for("Nothing needs you.")
    seat.program.send_signal(number)
    assert seat.end() == status
    assert seat.is_given_back()


def test_control_z_does_not_leave_the_terminal_as_it_is(seat: Seat) -> None:
    seat.wait_for("Nothing needs you.")
    seat.press("\x1a\x1cq")
    assert seat.end() == 0
    assert seat.is_given_back()


def test_one_screen_is_printed_for_a_pipe(hive: Hive) -> None:
    with hive.manager() as manager:
        manager.ask("ask_operator", question="Which\x1b[2J colour?", options=[], multi=False)
    told = subprocess.run(
        [HIVECTL, "top", "--once", "--socket", str(hive.run / "host.sock")],
        capture_output=True, text=True, timeout=PATIENCE, check=True,
    )  # fmt: skip
    assert told.stdout.startswith("What needs you\n")
    assert "Which\\x1b[2J colour?" in told.stdout
    assert "The rest\n  manager: running" in told.stdout


def test_without_a_terminal_it_says_what_to_do(hive: Hive) -> None:
    told = subprocess.run(
        [HIVECTL, "top", "--socket", str(hive.run / "host.sock")],
        stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=PATIENCE, check=False,
    )  # fmt: skip
    assert told.returncode == 2
    assert "'top' needs a terminal; --once prints one screen." in told.stderr
