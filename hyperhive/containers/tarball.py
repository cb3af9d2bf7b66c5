"""An image that comes as a tarball: unpacked once, and again whenever another file has taken the tarball's place."""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import ClassVar, Final

from attrs import define, field
from twisted.internet.defer import DeferredLock
from twisted.internet.interfaces import IReactorThreads
from twisted.logger import Logger

from hyperhive.containers import commands
from hyperhive.errors import ContainerError
from hyperhive.images import MOUNT_POINTS
from hyperhive.images.lock import unheld
from hyperhive.images.place import in_use
from hyperhive.threads import in_thread

UNPACKING_SECONDS: Final = 900.0
COMPRESSIONS: Final = {b"\x1f\x8b": "gzip", b"\xfd7zXZ\0": "xz", b"\x28\xb5\x2f\xfd": "zstd"}
"""How a compressed file begins, and the program that tar has unpack it."""
TAR: Final = (257, b"ustar")
"""Where a tar archive says that it is one, and how."""
DEVICES: Final = ("--anchored", "--exclude=./dev/*", "--exclude=dev/*")
"""Not every host lets them be made, and a machine gets its own."""
NEW: Final = ".new-"
OLD: Final = ".old-"
UNTOLD: Final = ("exiting now", "previous errors", "returned status 1", "returned status 2")
"""How the lines end by which tar only says that it said something before."""


class IReactor(commands.IReactor, IReactorThreads):
    """What of a reactor is needed to unpack and to clear away."""


@define(eq=False)
class Unpacked:
    """The trees below `directory`, each named after the state of the tarball that it was unpacked from.

    One that has its name is whole: it got it last. Names that begin with `.new-` and `.old-` are of what is being made
    and removed, or was when it was killed.
    """

    _log: ClassVar[Logger] = Logger()

    _reactor: IReactor
    _directory: Path
    _working: DeferredLock = field(init=False, factory=DeferredLock)
    _current: dict[Path, str] = field(init=False, factory=dict)

    async def tree(self, tarball: Path) -> Path:
        """The tree of that tarball as it is now; one is unpacked at a time, however many ask. Raises ContainerError."""
        async with self._working:
            tree = self._directory / key(tarball)
            if not tree.is_dir():
                await self._unpack(tarball, tree)
            self._current[tarball] = tree.name
            await self._clear()
            return tree

    async def none(self, path: Path) -> None:
        """What is there is no tarball now: clear away what was unpacked of one, and is not in use."""
        async with self._working:
            self._current.pop(path, None)
            await self._clear()

    async def _unpack(self, tarball: Path, tree: Path) -> None:
        _check(tarball)
        try:
            self._directory.mkdir(mode=0o700, exist_ok=True)
            new = Path(tempfile.mkdtemp(prefix=NEW, dir=self._directory))
            (new / "tree").mkdir(mode=0o755)
        except OSError as error:
            raise ContainerError(f"the image {tarball} can't be unpacked: {error.strerror}") from error
        self._log.info("the image {tarball} is being unpacked to {tree}", tarball=str(tarball), tree=str(tree))
        try:
            await self._extract(tarball, new / "tree")
            _complete(tarball, new / "tree")
            await self._run("sync", "--file-system", str(new))
            if tree.name != key(tarball):
                raise ContainerError(f"the image {tarball} changed while it was unpacked; start the agent again")
            (new / "tree").rename(tree)
        except OSError as error:
            raise ContainerError(f"the image {tarball} can't be unpacked: {error.strerror}") from error
        finally:
            await self._remove([new])

    async def _extract(self, tarball: Path, tree: Path) -> None:
        # A daemon that is killed takes tar with it: the next one clears away what it was making.
        words = (
            "setpriv",
            "--pdeathsig",
            "KILL",
            "tar",
            "--numeric-owner",
            "--xattrs",
            "--xattrs-include=security.capability",
            *DEVICES,
        )
        outcome = await commands.attempt(
            self._reactor, *words, f"--directory={tree}", "-xpf", str(tarball), seconds=UNPACKING_SECONDS
        )
        if not outcome.succeeded:
            raise ContainerError(f"the image {tarball} can't be unpacked: {_reason(outcome.complaints)}")

    async def _clear(self) -> None:
        """Remove what no machine runs on, nobody is starting one on, and nobody is working at.

        Of each tarball that was asked for, the tree of now stays.
        """
        if self._directory.is_dir():
            left = [path for path in self._directory.iterdir() if path.name not in self._current.values()]
            if left:
                await self._remove(await in_thread(self._reactor, _retired, left))

    async def _remove(self, paths: Sequence[Path]) -> None:
        """Remove those; where that fails, the next one who clears away tries it again."""
        if not paths:
            return
        try:
            await self._run("rm", "-rf", "--one-file-system", "--", *map(str, paths))
        except ContainerError as error:
            self._log.warn("what an image has left behind could not be removed: {error}", error=str(error))

    async def _run(self, *words: str) -> None:
        await commands.run(self._reactor, *words, seconds=UNPACKING_SECONDS)


def key(tarball: Path) -> str:
    """What the tarball's tree is called: another file there, or another content, is another tree."""
    try:
        seen = tarball.stat()
    except OSError as error:
        raise ContainerError(f"the image {tarball} can't be read: {error.strerror}") from error
    state = f"{tarball.resolve()}\0{seen.st_ino}\0{seen.st_size}\0{seen.st_mtime_ns}"
    return hashlib.sha256(os.fsencode(state)).hexdigest()[:16]


def _check(tarball: Path) -> None:
    """Raises ContainerError if that is no tarball that can be unpacked here."""
    try:
        with tarball.open("rb") as file:
            start = file.read(512)
    except OSError as error:
        raise ContainerError(f"the image {tarball} can't be read: {error.strerror}") from error
    program = next((program for magic, program in COMPRESSIONS.items() if start.startswith(magic)), None)
    offset, magic = TAR
    if program is None and start[offset : offset + len(magic)] != magic:
        raise ContainerError(
            f"the image {tarball} is neither a directory nor a tarball; 'nspawn.image' takes a root tree, "
            "or one as .tar, .tar.gz, .tar.xz or .tar.zst"
        )
    for needed in filter(None, ("setpriv", "tar", program)):
        if shutil.which(needed) is None:
            raise ContainerError(f"the image {tarball} can't be unpacked without '{needed}'; install it on this host")


def _complete(tarball: Path, tree: Path) -> None:
    """Make the mount points that the tree lacks. Raises ContainerError if it is no root tree."""
    if not os.path.lexists(tree / "etc/passwd"):
        raise ContainerError(
            f"the image {tarball} holds no /etc/passwd; it must hold a root tree, with its etc and usr at the top"
        )
    for point in map(Path, MOUNT_POINTS):
        for path in (*reversed(point.parents[:-1]), point):
            try:
                if (tree / path).is_symlink():
                    raise ContainerError(f"the image {tarball} has a link at /{path}, where a directory must be")
                (tree / path).mkdir(mode=0o755, exist_ok=True)
            except OSError as error:
                raise ContainerError(f"the image {tarball} can't have a directory /{path}: {error.strerror}") from error


def _reason(complaints: Sequence[str]) -> str:
    told = [line for line in complaints if not line.endswith(UNTOLD)]
    return told[-1] if told else "tar did not say why"


def _retired(paths: Sequence[Path]) -> list[Path]:
    """Those of the paths that are not in use, renamed so that nobody begins to use them; blocks."""
    retired = []
    for path in paths:
        if path.name.startswith((NEW, OLD)):
            retired.append(path)
        elif not path.name.startswith("."):
            with suppress(OSError), unheld(path, wait=False):  # one that is held, or can't be renamed, stays
                if not in_use(path):
                    retired.append(path.rename(path.with_name(f"{OLD}{time.time_ns()}")))
                    retired.append(path.with_name(f".#{path.name}.lck"))  # systemd-nspawn's, where it was killed
    return retired
