"""Who uses an image holds its directory, and who would replace or remove it waits for that, or does not get it.

Both are `flock`s on the directory itself. It may be renamed while one waits: what is held is always the directory that
the path leads to.
"""

from __future__ import annotations

import errno
import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def held(directory: Path) -> Iterator[None]:
    """The directory stays in its place meanwhile; others may hold it too, and the path may be a link.

    Raises BlockingIOError if another is just taking its place, and OSError.
    """
    with _locked(directory, os.O_RDONLY, fcntl.LOCK_SH | fcntl.LOCK_NB):
        yield


@contextmanager
def unheld(directory: Path, *, wait: bool) -> Iterator[None]:
    """Nobody holds the directory, and nobody can begin to meanwhile. May block, for those who do, with `wait`.

    Raises BlockingIOError if somebody does, or another directory has its place by now, and OSError, for a link too.
    """
    with _locked(directory, os.O_RDONLY | os.O_NOFOLLOW, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB)):
        yield


@contextmanager
def _locked(directory: Path, how_opened: int, how: int) -> Iterator[None]:
    descriptor = os.open(directory, how_opened | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, how)
        if not _leads_to(directory, descriptor):
            raise BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN))
        yield
    finally:
        os.close(descriptor)


def _leads_to(path: Path, descriptor: int) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat())
    except FileNotFoundError:
        return False
