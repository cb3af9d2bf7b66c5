"""What a process of the CLI leaves behind when it is killed: its tools run in sessions of their own."""

from __future__ import annotations

import os
import signal
from contextlib import suppress
from pathlib import Path
from typing import Final

PROC: Final = Path("/proc")


def end_all(name: str, value: str) -> int:
    """Kill every process that has this variable in its environment; how many there were.

    A process that is started meanwhile by one of them is found by the next look; there are no more than a few looks.
    """
    killed = 0
    for _ in range(8):
        found = sum(_end(int(entry.name), f"{name}={value}".encode()) for entry in PROC.glob("[0-9]*"))
        killed += found
        if not found:
            break
    return killed


def _end(pid: int, variable: bytes) -> bool:
    """Kill it if it has the variable; the descriptor keeps its number from coming to mean another one in between."""
    if pid == os.getpid():
        return False
    with suppress(OSError):
        process = os.pidfd_open(pid)
        try:
            if variable in (PROC / str(pid) / "environ").read_bytes().split(b"\0"):
                signal.pidfd_send_signal(process, signal.SIGKILL)
                return True
        finally:
            os.close(process)
    return False
