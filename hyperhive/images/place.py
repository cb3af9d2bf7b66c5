"""The place of an image: built beside it, put there whole, and what it replaces kept as long as it is in use."""

from __future__ import annotations

import ctypes
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Final

from attrs import frozen

from hyperhive.images.lock import unheld
from hyperhive.images.record import ImageError, is_image

_AT_FDCWD: Final = -100
_RENAME_EXCHANGE: Final = 2


@frozen
class Place:
    """Where an image is, or will be.

    Who starts a machine on it, or copies it, holds it meanwhile (`lock.held`), and a new image waits for all of them
    before it takes the old one's place. A machine that runs holds nothing: what it runs on is renamed, not removed.
    """

    image: Path

    def check(self, *, replace: bool) -> None:
        """Whether an image may be put here. Raises ImageError if something is, unless it is an image to `replace`."""
        if not os.path.lexists(self.image):
            return
        if not self.image.is_dir() or (not is_image(self.image) and any(self.image.iterdir())):
            raise ImageError(f"{self.image} holds something that is no image of ours; name another directory")
        if self.image.is_mount():
            raise ImageError(f"{self.image} is a mount point, which can't be replaced; name a directory below it")
        if is_image(self.image) and not replace:
            raise ImageError(f"{self.image} holds an image already; --force replaces it, or name another directory")

    @contextmanager
    def workshop(self) -> Iterator[Path]:
        """An empty directory beside the place and on its filesystem, removed at the end; one builder at a time.

        What a killed build left there, and old images that nobody runs on any more, are removed first. Raises
        ImageError if another build has it.
        """
        directory = self._beside("building")
        with ExitStack() as cleaning:
            try:
                self.image.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                directory.mkdir(mode=0o700, exist_ok=True)
                cleaning.enter_context(unheld(directory, wait=False))
            except BlockingIOError:
                raise ImageError(f"another build of {self.image} is under way; wait for its end") from None
            except OSError as error:
                raise ImageError(f"no image can be built at {self.image}: {error.strerror}") from error
            if directory.stat().st_uid != os.geteuid():
                raise ImageError(f"{directory} is another user's; remove it, or build where only root can write")
            self._clear(directory)
            cleaning.callback(_remove, directory)
            self._forget_old()
            yield directory

    def put(self, tree: Path, *, replace: bool) -> Path | None:
        """Let the finished `tree` of the workshop be the image, in one step; gives where the old one still is, if kept.

        At every moment the place holds the whole old image or the whole new one. The replaced one goes with the
        workshop, unless a machine still runs on it. Raises ImageError.
        """
        # On disk before it has the name: after a power cut there is no image with empty files.
        os.sync()
        try:
            self.check(replace=replace)
            if not is_image(self.image):
                tree.rename(self.image)
                return None
            with unheld(self.image, wait=True):
                _exchange(tree, self.image)
            return self._set_aside(tree)
        except OSError as error:
            raise ImageError(f"the new image can't be put at {self.image}: {error.strerror}") from error

    def _beside(self, what: str) -> Path:
        return self.image.with_name(f".{self.image.name}.{what}")

    def _set_aside(self, tree: Path) -> Path | None:
        if not in_use(tree):
            return None
        kept = self._beside(f"old-{time.time_ns()}")
        tree.rename(kept)
        return kept

    def _clear(self, workshop: Path) -> None:
        for left in list(workshop.iterdir()):
            # A build that was killed right after the exchange left the old image.
            if not self._set_aside(left):
                _remove(left)

    def _forget_old(self) -> None:
        prefix = self._beside("old-").name
        for old in [one for one in self.image.parent.iterdir() if one.name.startswith(prefix)]:
            if not in_use(old):
                _remove(old)


def _exchange(one: Path, other: Path) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.renameat2(_AT_FDCWD, os.fsencode(one), _AT_FDCWD, os.fsencode(other), _RENAME_EXCHANGE):
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink()


def in_use(tree: Path) -> bool:
    """Whether some process has the tree as its root, as everything in a machine that runs on it does."""
    there = tree.stat()
    for process in Path("/proc").glob("[0-9]*"):
        # Processes end while one looks.
        with suppress(OSError):
            if os.path.samestat((process / "root").stat(), there):
                return True
    return False
