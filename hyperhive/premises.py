"""What must hold before the daemon starts: our own directories, and nobody else on them."""

from __future__ import annotations

import fcntl
import os
import resource
import shutil
from contextlib import ExitStack
from pathlib import Path

from hyperhive.errors import StartupError
from hyperhive.layout import Layout
from hyperhive.store.schema import open_database

MACHINES = Path("/run/hyperhive-machines")
"""The directory whose lock says that a daemon has machines: their names and those of their units are the host's."""


def claim(layout: Layout, containers: str) -> ExitStack:
    """Make sure of the directories, the locks and the database; the locks, held until that is closed.

    Raises StartupError.
    """
    for directory in (layout.state, layout.run):
        _own(directory)
    with ExitStack() as locks:
        _lock(locks, layout.lock, f"another hyperhive daemon runs on {layout.state}", "--state-dir")
        _lock(locks, layout.run, f"another hyperhive daemon has its sockets in {layout.run}", "--run-dir")
        if containers in MACHINE_PROGRAMS:
            _own(MACHINES)
            _lock(locks, MACHINES, "another hyperhive daemon has machines on this host", "--containers")
        open_database(layout.database).close()
        return locks.pop_all()


MACHINE_PROGRAMS = {"nspawn": ("systemd-nspawn", "journalctl"), "nixos": ("nixos-container", "journalctl")}


def check_machines(containers: str) -> None:
    """Whether the host can have such containers. Raises StartupError."""
    if containers not in MACHINE_PROGRAMS:
        return
    wrong = None
    if os.geteuid() != 0:
        wrong = "root's rights; start the daemon as root"
    elif not Path("/run/systemd/system").is_dir():
        wrong = "a host that systemd runs, and this one is not"
    for program in MACHINE_PROGRAMS[containers]:
        if wrong is None and shutil.which(program) is None:
            wrong = f"the program {program}, which is not installed"
    if wrong is not None:
        raise StartupError(f"containers of the kind '{containers}' need {wrong}; --containers local runs anywhere")


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


def _lock(locks: ExitStack, path: Path, taken: str, option: str) -> None:
    """Lock a file, which is made where there is none, or a directory as it is."""
    try:
        flags = os.O_RDONLY if path.is_dir() else os.O_WRONLY | os.O_CREAT
        descriptor = os.open(path, flags | os.O_CLOEXEC, mode=0o600)
    except OSError as error:
        message = f"{path} can't be opened to lock it: {error.strerror}; name another {option}"
        raise StartupError(message) from error
    locks.callback(os.close, descriptor)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        message = f"{taken}; stop it first, or name another {option}"
        raise StartupError(message) from None
