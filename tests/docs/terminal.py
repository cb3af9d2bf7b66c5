"""Commands typed at a terminal, and what stood there afterwards."""

from __future__ import annotations

import os
import pty
import re
import select
import subprocess
import termios
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.docs.running import PATIENCE

ROWS, COLUMNS = 40, 120
_ATTRIBUTES = re.compile(r"\x1b\[[0-9;]*m")
_ERASED = re.compile(r"^.*\r\x1b\[K")


def typed(command: str, directory: Path, environment: Mapping[str, str]) -> list[str]:
    """The lines that are on the terminal after a command, without colours and what was overwritten."""
    ours, theirs = pty.openpty()
    termios.tcsetwinsize(theirs, (ROWS, COLUMNS))
    process = subprocess.Popen(
        ["/bin/sh", "-c", command], cwd=directory, env=environment, stdin=theirs, stdout=theirs, stderr=theirs
    )
    os.close(theirs)
    try:
        written = _all_of(ours, command)
    finally:
        os.close(ours)
        process.wait(PATIENCE)
    lines = written.decode().removesuffix("\n").split("\n") if written else []
    return [_shown(line.removesuffix("\r")) for line in lines]


def _all_of(terminal: int, command: str) -> bytes:
    written = b""
    while True:
        if not select.select([terminal], [], [], PATIENCE)[0]:
            pytest.fail(f"no end of: {command}\n{written.decode(errors='replace')}")
        try:
            data = os.read(terminal, 65536)
        except OSError:  # the other side was closed: so the end of a terminal looks
            return written
        written += data


def _shown(line: str) -> str:
    return _ATTRIBUTES.sub("", _ERASED.sub("", line)).rstrip()
