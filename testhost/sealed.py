"""Programs in namespaces of their own: what they mount and start is gone when they, or we, are gone."""

from __future__ import annotations

import os
import select
import subprocess
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import IO, Self

SEAL = [
    *("setpriv", "--pdeathsig", "KILL", "--"),
    *("unshare", "--mount", "--propagation", "private", "--pid", "--fork", "--kill-child", "--mount-proc", "--"),
]


class Sealed:
    """A running program, the first process of a pid namespace and alone in its mount namespace.

    The kernel ends it and all its descendants when it exits, when `kill` is called, and when this process dies,
    even by SIGKILL. Its mounts are seen by nobody else and vanish with it. It has no terminal.
    Programs are looked for in `path` first.
    """

    def __init__(self, command: Sequence[str], *, output: IO[bytes], cwd: Path | None = None, path: str = "") -> None:
        self._process = subprocess.Popen(
            [*SEAL, *command],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=cwd,
            env={**os.environ, "PATH": f"{path}:{os.environ['PATH']}"} if path else None,
            start_new_session=True,
        )

    def running(self) -> bool:
        """Whether the program still runs."""
        return self._process.poll() is None

    def wait(self, seconds: float) -> int | None:
        """Wait at most `seconds`; the exit status, or None when it still runs."""
        try:
            return self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            return None

    def children(self) -> list[int]:
        """The pids of the program and of its descendants in a row of eldest children, as this process sees them."""
        found: list[int] = []
        pid = self._process.pid
        while pid := _eldest_child(pid):
            found.append(pid)
        return found

    def kill(self) -> None:
        """End the program and everything that it started, and wait until that is done."""
        first = self.children()[:1]
        watches = [watch for pid in first if (watch := _watch(pid)) is not None]
        self._process.kill()
        self._process.wait()
        # The first process of a pid namespace is gone only after all others in it are.
        for watch in watches:
            select.select([watch], [], [], 10)
            os.close(watch)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.kill()


def _eldest_child(pid: int) -> int:
    """The pid of the first child of `pid`, or 0."""
    try:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()
    except OSError:
        return 0
    return int(children[0]) if children else 0


def _watch(pid: int) -> int | None:
    """A descriptor that becomes readable when `pid` ends; None when it has ended."""
    try:
        return os.pidfd_open(pid)
    except ProcessLookupError:
        return None
