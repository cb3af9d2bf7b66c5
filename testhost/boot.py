"""A boot of the host: started sealed, followed to its end, and told from its results."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from testhost.errors import Failed, TookTooLong
from testhost.runs import Run
from testhost.sealed import Sealed

BOOT_SECONDS = 120.0
POWER_OFF_SECONDS = 30.0
LOOK_EVERY = 0.05


class Host(Protocol):
    """What is followed: something that runs until it powers off."""

    def running(self) -> bool:
        """Whether it still runs."""

    def wait(self, seconds: float) -> int | None:
        """Wait at most `seconds` for its end."""


@contextmanager
def booted(run: Run) -> Iterator[Sealed]:
    """The host of `run`, as `machine.prepare` wrote it down; ended at exit, whatever state it is in."""
    command = [sys.executable, "-m", "testhost.inside", str(run.directory)]
    here = Path(__file__).parent.parent
    with run.console.open("wb") as console, Sealed(command, output=console, cwd=here) as host:
        yield host


def follow(run: Run, host: Host, seconds: float) -> int:
    """Show what the command in the host writes as it writes it, and return its exit status (128 + n for a signal n).

    Raises TookTooLong after `seconds`, and Failed when the host ends or does not come up before the command does.
    """
    begun = time.monotonic()
    output, status = run.results / "output", run.results / "status"
    shown = 0
    while not status.exists():
        shown = _show(output, shown)
        waited = time.monotonic() - begun
        if not host.running() and not status.exists():
            raise Failed(f"The test host ended before its command did; its console said: {_tail(run.console)}")
        if waited > BOOT_SECONDS and not output.exists():
            raise TookTooLong(f"The test host was not up after {BOOT_SECONDS:g} s; its console: {_tail(run.console)}")
        if waited > seconds:
            raise TookTooLong(f"What ran in the test host was not done after {seconds / 60:g} minutes and was killed.")
        time.sleep(LOOK_EVERY)
    _show(output, shown)
    code, number = status.read_text(encoding="ascii").split()
    # It powers off by itself; if it cannot, leaving `booted` ends it.
    host.wait(POWER_OFF_SECONDS)
    return int(number) if code == "exited" else 128 + _signal(number)


def _show(output: Path, shown: int) -> int:
    """Pass on what `output` has beyond `shown` bytes, and return how many have been shown then."""
    if not output.exists():
        return shown
    with output.open("rb") as file:
        file.seek(shown)
        new = file.read()
    if new:
        sys.stdout.buffer.write(new)
        sys.stdout.buffer.flush()
    return shown + len(new)


def _signal(name: str) -> int:
    try:
        return signal.Signals[f"SIG{name}"].value
    except KeyError:
        return 0


def _tail(console: Path) -> str:
    lines = console.read_text(encoding="utf-8", errors="replace").splitlines()
    return " / ".join(line.strip() for line in lines[-3:]) or "nothing"


def shell(run: Run, host: Sealed, project: Path, environment: Mapping[str, str]) -> int:
    """Give the terminal to a root shell in the host, in `project`, and return its exit status when it is left.

    Raises TookTooLong when the host does not come up.
    """
    end = time.monotonic() + BOOT_SECONDS
    while not (run.results / "output").exists():
        if time.monotonic() > end or not host.running():
            raise TookTooLong(f"The test host did not come up; its console said: {_tail(run.console)}")
        time.sleep(LOOK_EVERY)
    # unshare's child is systemd-nspawn, and its child the host's first process.
    leader = host.children()[1]
    settings = [f"--setenv={name}={value}" for name, value in environment.items()]
    entered = ["nsenter", f"--target={leader}", "--all", "--wd=/", "systemd-run", "--quiet", "--collect"]
    entered += ["--pty", "--wait", "--slice=testhost.slice", f"--working-directory={project}"]
    return subprocess.run([*entered, *settings, "/bin/bash"], check=False).returncode
