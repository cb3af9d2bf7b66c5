"""Where the image comes from: a tree or a tarball, held in its place while a machine is started on it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager, suppress
from pathlib import Path

import attrs
from attrs import define, evolve
from twisted.internet.task import deferLater

from hyperhive.containers.image import Image
from hyperhive.containers.tarball import IReactor, Unpacked, key
from hyperhive.errors import ContainerError
from hyperhive.images.lock import held
from hyperhive.images.record import ImageError, ImageRecord

ATTEMPTS = 40
PAUSE_SECONDS = 0.05


@define(eq=False)
class ImageSource:
    """The image at `path`: a root tree, or a tarball of one, of which the tree is among those `unpacked`."""

    reactor: IReactor
    path: Path
    unpacked: Unpacked

    def at(self, path: Path) -> ImageSource:
        """The image at another path, with the same place for what is unpacked."""
        return evolve(self, path=path)

    def identity(self) -> str:
        """What tells the image that is there now from another that takes its place. Raises ContainerError.

        A tarball: the file and its state. A tree: its top directory, without the number of the disk, which may be
        another one after a reboot; with the record of one that hivectl built, and with when any other was changed.
        """
        if self.path.is_file():
            return f"tarball {key(self.path)}"
        try:
            top = self.path.stat()
        except OSError as error:
            raise ContainerError(f"the image {self.path} can't be read: {error.strerror}") from error
        with suppress(ImageError):
            record = json.dumps(attrs.asdict(ImageRecord.read(self.path)))
            return f"image {top.st_ino} {hashlib.sha256(record.encode()).hexdigest()[:16]}"
        return f"tree {top.st_ino} {top.st_ctime_ns}"

    @asynccontextmanager
    async def held(self) -> AsyncIterator[Image]:
        """The image as it is now, which stays in its place meanwhile (see `Place`). Raises ContainerError.

        A machine that runs on it needs that no more.
        """
        with ExitStack() as until_the_end:
            yield Image(await self._hold(until_the_end))

    async def _hold(self, until_the_end: ExitStack) -> Path:
        for attempt in range(ATTEMPTS):
            if attempt:
                await deferLater(self.reactor, PAUSE_SECONDS)
            tree = await self._tree()
            try:
                until_the_end.enter_context(held(tree))
            except (BlockingIOError, FileNotFoundError):
                continue  # another one is just taking its place
            except OSError as error:
                raise ContainerError(f"the image {tree} can't be held in its place: {error.strerror}") from error
            return tree
        raise ContainerError(f"the image {self.path} is just being replaced; start the agent again when that is done")

    async def _tree(self) -> Path:
        """Where the tree is that a machine would be started on now. Raises ContainerError."""
        if self.path.is_file():
            return await self.unpacked.tree(self.path)
        await self.unpacked.none(self.path)
        if not self.path.is_dir():
            raise ContainerError(f"there is no image {self.path}; 'hivectl image build' makes one")
        return self.path
