"""Files and directories that the backends write."""

from __future__ import annotations

import os
import shutil
from contextlib import suppress
from pathlib import Path

from hyperhive.errors import ContainerError
from hyperhive.layout import Layout
from hyperhive.wire.names import MANAGER


def own(directory: Path, uid: int, gid: int, mode: int) -> None:
    """Make that directory and give it away; what is in it is left alone. Raises ContainerError, for a link too."""
    try:
        directory.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
        try:
            os.fchown(descriptor, uid, gid)  # before the mode, of which it takes bits away
            os.fchmod(descriptor, mode)
        finally:
            os.close(descriptor)
    except OSError as error:
        raise ContainerError(f"{directory} can't be given to user {uid}: {error.strerror}") from error


def own_kept(layout: Layout, name: str, uid: int, gid: int, *, like_the_managers: bool = True) -> None:
    """Give an agent what is kept of it, and the manager what it writes. Raises ContainerError.

    The manager writes what it proposes for the agent as that user too, if the agent's is `like_the_managers`.
    """
    for kept in (layout.notes(name), layout.credentials(name)):
        own(kept, uid, gid, 0o700)
    # The manager may have put a link or a file in its place, which is its own affair.
    if like_the_managers:
        with suppress(ContainerError):
            own(layout.proposed(name), uid, gid, 0o700)
    if name == MANAGER:
        own(layout.proposals, uid, gid, 0o700)
        own(layout.applications, 0, 0, 0o755)


def put(path: Path, text: str) -> None:
    """Write the file anew, readable by all, whole or not at all; its directory is made. Raises ContainerError."""
    new = path.with_name(f"{path.name}.new")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with new.open("w", encoding="utf-8") as file:
            os.fchmod(file.fileno(), 0o644)
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        new.replace(path)
    except OSError as error:
        raise ContainerError(f"{path} can't be written: {error.strerror}") from error


def clear_away(directory: Path) -> None:
    """Take the directory away, with all that is in it; there may be none. Raises ContainerError."""
    try:
        with suppress(FileNotFoundError):
            shutil.rmtree(directory)
    except OSError as error:
        raise ContainerError(f"{directory} can't be removed: {error.strerror}") from error
