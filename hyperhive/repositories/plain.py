"""Files in a directory that somebody hostile writes, read as data: by descriptors, and no link is ever followed."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from hyperhive.errors import RepositoryError
from hyperhive.layout import Layout

_READ: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY


class NotThere(RepositoryError):
    """There is no such directory."""


def below(layout: Layout, name: str) -> tuple[str, ...]:
    """The way from the state directory, which is ours, to the proposed repository of an agent."""
    return layout.proposed(name).relative_to(layout.state).parts


@contextmanager
def directory(root: Path, *names: str) -> Iterator[int]:
    """The descriptor of a directory below `root`, which is ours; each of `names` must be one, and no link.

    Raises NotThere, RepositoryError.
    """
    descriptor = os.open(root, _READ | os.O_DIRECTORY)
    try:
        for depth, name in enumerate(names, start=1):
            inner = _enter(descriptor, name, "/".join(names[:depth]))
            os.close(descriptor)
            descriptor = inner
        yield descriptor
    finally:
        os.close(descriptor)


@contextmanager
def inside(outer: int, name: str, shown: str) -> Iterator[int]:
    """The descriptor of a directory in another one; `shown` is its path in a refusal. Raises as `directory` does."""
    descriptor = _enter(outer, name, shown)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _enter(outer: int, name: str, shown: str) -> int:
    try:
        return os.open(name, _READ | os.O_DIRECTORY, dir_fd=outer)
    except FileNotFoundError as error:
        raise NotThere(f"{shown} is not there") from error
    except OSError as error:
        if error.errno in {errno.ELOOP, errno.ENOTDIR}:
            raise RepositoryError(
                f"{shown} must be a directory, and something else stands there: neither links nor files are followed"
            ) from error
        raise RepositoryError(f"{shown} can't be read: {error.strerror}") from error


def names(directory: int, most: int) -> list[str]:
    """What is in a directory, in order; `most` + 1 of it where there is more. Raises OSError."""
    found = []
    with os.scandir(directory) as entries:
        for entry in entries:
            found.append(entry.name)
            if len(found) > most:
                break
    return sorted(found)


@contextmanager
def regular(directory: int, name: str) -> Iterator[int | None]:
    """The descriptor of an ordinary file, None if that is not what is there. Raises OSError where it can't be read."""
    try:
        # Looked at first: to open a device can do something already.
        is_file = stat.S_ISREG(os.stat(name, dir_fd=directory, follow_symlinks=False).st_mode)
        descriptor = os.open(name, _READ, dir_fd=directory) if is_file else None
    except FileNotFoundError:
        descriptor = None
    except OSError as error:
        if error.errno not in {errno.ELOOP, errno.ENXIO, errno.ENOTDIR, errno.ENAMETOOLONG}:
            raise
        descriptor = None
    if descriptor is None:
        yield None
        return
    try:
        yield descriptor if stat.S_ISREG(os.fstat(descriptor).st_mode) else None
    finally:
        os.close(descriptor)


def contents(descriptor: int, most: int) -> bytes:
    """The bytes of an open file; `most` + 1 of them where there are more. Raises OSError."""
    parts = []
    left = most + 1
    while left and (part := os.read(descriptor, min(left, 1 << 20))):
        parts.append(part)
        left -= len(part)
    return b"".join(parts)
