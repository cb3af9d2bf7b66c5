"""A daemon one of whose threads hangs, as on a disk that does not answer: traced, and interrupted."""

from __future__ import annotations

import ctypes
import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

PTRACE_DETACH = 17
PTRACE_SEIZE = 0x4206
PTRACE_INTERRUPT = 0x4207
WALL = 0x40000000


@contextmanager
def frozen_writers(pid: int) -> Iterator[list[int]]:
    """Every thread of that process hangs meanwhile but its first, in which the reactor turns; their numbers."""
    threads = [int(one.name) for one in Path(f"/proc/{pid}/task").iterdir() if one.name != str(pid)]
    for thread in threads:
        _ptrace(PTRACE_SEIZE, thread)
        _ptrace(PTRACE_INTERRUPT, thread)
        os.waitpid(thread, WALL)
    try:
        yield threads
    finally:
        for thread in threads:
            with suppress(ProcessLookupError):
                _ptrace(PTRACE_DETACH, thread)


def killed(threads: list[int]) -> None:
    """Wait until frozen threads were killed: their process ends only when their tracer knows."""
    for thread in threads:
        os.waitpid(thread, WALL)


def _ptrace(request: int, thread: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.ptrace(ctypes.c_long(request), ctypes.c_long(thread), None, None) == -1:
        if ctypes.get_errno() == errno.EPERM:
            pytest.skip("no process may be traced here, so none can be made to hang")
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
