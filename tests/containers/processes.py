"""What the kernel tells of processes."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from hyperhive.containers import proc


def descriptors(pid: int) -> dict[str, str]:
    """What the open descriptors of a process are of, by their numbers."""
    found = {}
    for path in Path(f"/proc/{pid}/fd").iterdir():
        with suppress(FileNotFoundError):  # of ourselves, a thread may be opening and closing some
            found[path.name] = str(path.readlink())
    return found


def process_descriptors() -> int:
    """How many of our own descriptors are of processes."""
    return sum("pidfd" in target for target in descriptors(os.getpid()).values())


def alive(pid: int) -> bool:
    """Whether the process of that number runs; a zombie does not."""
    process = proc.look(pid)
    return process is not None and not process.ended
