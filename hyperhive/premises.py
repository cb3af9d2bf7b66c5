"""What must hold before the daemon starts: our own directories, and nobody else on them."""

from __future__ import annotations

import fcntl
import os
import resource
from pathlib import Path
from typing import BinaryIO

from hyperhive.errors import StartupError
from hyperhive.layout import Layout
from hyperhive.store.schema import open_database


def claim(layout: Layout) -> BinaryIO:
    """Make sure of the directories, the lock and the database; the lock, held while the file is open.

    Raises StartupError.
    """
    for directory in (layout.state, layout.run):
        _own(directory)
    lock = _lock(layout)
    open_database(layout.database).close()
    return lock


def raise_file_limit() -> tuple[int, int]:
    """Let this process open as many files as it may: the soft limit there was, and the one there is now."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return soft, hard


def _own(directory: Path) -> None:
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        status = directory.stat()
    except OSError as error:
        message = f"the directory {directory} can't be made: {error.strerror}; name another one"
        raise StartupError(message) from error
    if status.st_uid != os.geteuid():
        message = (
            f"the directory {directory} belongs to user {status.st_uid} and not to us (user {os.geteuid()}); "
            "name another one with --state-dir or --run-dir"
        )
        raise StartupError(message)
    if not os.access(directory, os.R_OK | os.W_OK | os.X_OK):
        message = f"the directory {directory} can't be written; give its owner rwx, or name another one"
        raise StartupError(message)


def _lock(layout: Layout) -> BinaryIO:
    try:
        lock = layout.lock.open("ab")
    except OSError as error:
        message = f"the lock {layout.lock} can't be opened: {error.strerror}; name another --state-dir"
        raise StartupError(message) from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        lock.close()
        message = f"another hyperhive daemon runs on {layout.state}; stop it first, or name another --state-dir"
        raise StartupError(message) from None
    return lock
