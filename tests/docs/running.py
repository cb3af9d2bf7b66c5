"""A real daemon in a short-named directory of its own, as an operator starts one."""

from __future__ import annotations

import fcntl
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

LAST_LINE = "send alice"
PATIENCE = 30.0
"""Seconds after which a test gives up waiting for a line or an end."""


class Daemon:
    """A daemon that was started by a shell command in `directory`, its output collected as `output`."""

    def __init__(self, command: str, directory: Path) -> None:
        self._process = subprocess.Popen(
            # Ctrl-C must reach it even where the tests themselves were started in the background, which ignores it.
            ["env", "--default-signal=INT", "/bin/sh", "-c", command],
            cwd=directory,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        assert self._process.stdout is not None
        self.output: list[str] = []
        for line in self._process.stdout:
            self.output.append(line.rstrip("\n"))
            if LAST_LINE in line:
                return
        self._process.wait()
        pytest.fail("the daemon did not start:\n" + "\n".join(self.output))

    def stop(self) -> None:
        """Ctrl-C, and its end."""
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGINT)
            try:
                rest, _ = self._process.communicate(timeout=PATIENCE)
            except subprocess.TimeoutExpired:
                self._process.kill()
                raise
            self.output += rest.splitlines()


class Line:
    """One connection, blocking, line by line."""

    def __init__(self, path: Path) -> None:
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._socket.settimeout(PATIENCE)
        self._socket.connect(str(path))
        self._file = self._socket.makefile("rb")

    def say(self, line: str) -> None:
        """Send one line."""
        self._socket.sendall(line.encode() + b"\n")

    def say_no_more(self) -> None:
        """Shut down the sending side."""
        self._socket.shutdown(socket.SHUT_WR)

    def hear(self) -> str:
        """The next line, empty at the end; raises TimeoutError if none comes."""
        return self._file.readline().decode().removesuffix("\n")

    def close(self) -> None:
        """Close it."""
        self._file.close()
        self._socket.close()


@contextmanager
def short_directory() -> Iterator[Path]:
    """A directory whose path leaves room for a socket's; `.venv` in it is this very environment."""
    directory = Path(tempfile.mkdtemp(prefix="hh", dir="/tmp")).resolve()
    (directory / ".venv").symlink_to(sys.prefix)
    try:
        yield directory
    finally:
        shutil.rmtree(directory)


@contextmanager
def running(command: str, directory: Path) -> Iterator[Daemon]:
    """A daemon while the block runs. It stops its agents when it ends: `--stop-agents` must be in the command."""
    with _default_port():
        daemon = Daemon(command, directory)
        try:
            yield daemon
        finally:
            daemon.stop()


@contextmanager
def _default_port() -> Iterator[None]:
    """The console's port of a hive that was told of no other is for one test at a time, and tests run side by side."""
    with Path(tempfile.gettempdir(), f"hyperhive-test-port-{os.getuid()}").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
