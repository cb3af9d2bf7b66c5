"""Where the image comes from: a tree or a tarball, held in its place while a machine is started on it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager
from pathlib import Path

from attrs import define, field
from twisted.internet.task import deferLater

from hyperhive.containers.image import Image
from hyperhive.containers.tarball import IReactor, Unpacked
from hyperhive.errors import ContainerError
from hyperhive.images.lock import held

ATTEMPTS = 40
PAUSE_SECONDS = 0.05


@define(eq=False)
class ImageSource:
    """The image at `path`: a root tree, or a tarball of one, which is unpacked below the directory `unpacked`."""

    reactor: IReactor
    path: Path
    unpacked: Path
    _unpacked: Unpacked = field(init=False)

    def __attrs_post_init__(self) -> None:
        self._unpacked = Unpacked(self.reactor, self.unpacked)

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
            return await self._unpacked.tree(self.path)
        await self._unpacked.none()
        if not self.path.is_dir():
            raise ContainerError(f"there is no image {self.path}; 'hivectl image build' makes one")
        return self.path
