"""Files and directories that are whole or not there: made elsewhere, written to the disk, and renamed into place."""

from __future__ import annotations

import errno
import os
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from hyperhive.errors import RepositoryError
from hyperhive.repositories.tree import File

NEW: Final = ".new-"


def write_out(directory: Path, files: Sequence[File]) -> None:
    """Make a directory that holds those files and nothing else. Raises RepositoryError."""
    try:
        new = make_new(directory.parent)
        for file in files:
            _write(new / file.path, file)
        for made, _, _ in os.walk(new):
            Path(made).chmod(0o755)
        placed = put_in_place(new, directory, None)
    except OSError as error:
        raise RepositoryError(f"{directory} can't be written: {error.strerror}") from error
    if not placed:
        raise RepositoryError(f"{directory} can't be written: something else stands there; take it away")


def _write(path: Path, file: File) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("xb") as written:
        written.write(file.data)
    path.chmod(0o555 if file.executable else 0o444)


def make_new(parent: Path, prefix: str = NEW, suffix: str = "") -> Path:
    """A directory for something new; what a daemon that was killed has left of another goes. Raises OSError."""
    parent.mkdir(parents=True, exist_ok=True)
    for left in parent.glob(f"{prefix}*{suffix}"):
        shutil.rmtree(left, ignore_errors=True)
    return Path(tempfile.mkdtemp(prefix=prefix, suffix=suffix, dir=parent))


def keep_only(directory: Path, kept: str) -> None:
    """Take away everything in a directory but what has that name. Raises RepositoryError."""
    try:
        for left in directory.iterdir() if directory.is_dir() else ():
            if left.name != kept:
                shutil.rmtree(left)
    except OSError as error:
        raise RepositoryError(f"{directory} can't be cleared: {error.strerror}") from error


def remove(directory: Path) -> None:
    """Take a directory away, if it is there. Raises RepositoryError."""
    try:
        shutil.rmtree(directory)
    except FileNotFoundError:
        return
    except OSError as error:
        raise RepositoryError(f"{directory} can't be removed: {error.strerror}") from error


def _sync_all(new: Path) -> None:
    for directory, _, inner in os.walk(new):
        for path in (*inner, ""):
            _sync(Path(directory, path))


def _sync(path: Path) -> None:
    """Return when what is in that file, or the names in that directory, are on disk."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def put_in_place(new: Path, place: Path, owner: tuple[int, int] | None) -> bool:
    """Give that directory and all in it to its owner, and rename it to a place that may be an empty directory.

    All of it is on disk by then. False if something else stands there, which is left alone. Raises OSError.
    """
    place.parent.mkdir(parents=True, exist_ok=True)
    if owner is not None:
        for directory, _, files in os.walk(new):
            for path in (Path(directory), *(Path(directory, file) for file in files)):
                os.chown(path, *owner, follow_symlinks=False)
    _sync_all(new)
    try:
        new.rename(place)
    except OSError as error:
        if error.errno not in {errno.ENOTEMPTY, errno.EEXIST, errno.ENOTDIR}:
            raise
        return False
    _sync(place.parent)
    return True
