"""Programs that an agent's harness starts: each in a session of its own, to be ended with all that it started."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from twisted.internet.error import ProcessExitedAlready, ProcessTerminated
from twisted.python.failure import Failure

OWN_SESSION: Final = str(Path(__file__).with_name("own_session.py"))


def in_own_session(words: Sequence[str]) -> list[str]:
    """The command line that runs that one in a session of its own, which is also its process group."""
    return [sys.executable, "-I", "-S", OWN_SESSION, *words]


def send_signal(transport: Any, pid: int, number: signal.Signals) -> None:
    """A signal to the program that was started as `pid`, and to what is left of its group."""
    try:
        os.killpg(pid, number)
    except ProcessLookupError:  # gone, or has not begun its session yet
        with suppress(ProcessExitedAlready):
            transport.signalProcess(number)


def how_ended(reason: Failure) -> str:
    """`exited with status 1`, or `was killed by SIGKILL`."""
    end = reason.value
    if not isinstance(end, ProcessTerminated):
        return "exited with status 0"
    return f"exited with status {end.exitCode}" if end.signal is None else _killed_by(end.signal)


def _killed_by(number: int) -> str:
    try:
        return f"was killed by {signal.Signals(number).name}"
    except ValueError:  # some have no name
        return f"was killed by signal {number}"
