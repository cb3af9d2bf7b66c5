"""Where daemons come from that die at a step: see `tests/contract/mortal.py`."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from tests.daemon.client import PATIENCE
from tests.daemon.harness import IS_UP

ROOT = Path(__file__).parent.parent.parent


class Nursery:
    """One process that forks daemons, one after the other; what they print is read as it is waited for."""

    def __init__(self) -> None:
        self.log: list[str] = []
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.contract.mortal"],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        self._read = b""
        self._daemon: int | None = None

    def bear(self, options: Sequence[str], backend: str, agent: str, kind: str, step: int) -> None:
        """A daemon that is up, and dies at that step of that kind of operation on that agent."""
        assert self._process.stdin is not None
        task = {"options": options, "backend": backend, "agent": agent, "kind": kind, "step": step}
        self._process.stdin.write(json.dumps(task).encode() + b"\n")
        self._process.stdin.flush()
        self._daemon = int(self._wait_for("is born").split()[1])
        self._wait_for(IS_UP)

    def dies(self) -> str:
        """Wait for the daemon's end by its own hand; the step at which it died."""
        return self._wait_for("dies ").partition("dies ")[2]

    def gone(self) -> None:
        """Wait until there is no daemon."""
        self._wait_for("is gone")
        self._daemon = None

    def kill(self) -> None:
        """SIGKILL to the daemon."""
        assert self._daemon is not None
        with suppress(ProcessLookupError):
            os.kill(self._daemon, signal.SIGKILL)
        self.gone()

    def end(self) -> None:
        """End everything; fails if a daemon has logged a traceback."""
        if self._daemon is not None:
            with suppress(ProcessLookupError):
                os.kill(self._daemon, signal.SIGKILL)
        self._process.kill()
        self._process.communicate(timeout=PATIENCE)
        assert not any("Traceback" in line for line in self.log), "\n".join(self.log)

    def _wait_for(self, text: str) -> str:
        """The next line that has the text."""
        while True:
            line = self._line()
            self.log.append(line)
            if text in line:
                return line

    def _line(self) -> str:
        assert self._process.stdout is not None
        while b"\n" not in self._read:
            ready, _, _ = select.select([self._process.stdout], [], [], PATIENCE)
            assert ready, "the daemons say no more:\n" + "\n".join(self.log)
            data = os.read(self._process.stdout.fileno(), 65536)
            assert data, "there are no more daemons:\n" + "\n".join(self.log)
            self._read += data
        line, _, self._read = self._read.partition(b"\n")
        return line.decode(errors="replace")
