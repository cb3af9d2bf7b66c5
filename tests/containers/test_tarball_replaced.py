"""Images that are replaced while somebody holds, wants or unpacks them."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

import pytest

from hyperhive.containers import image_source
from hyperhive.containers.image_source import ImageSource
from hyperhive.containers.tarball import Unpacked
from hyperhive.errors import ContainerError
from tests.containers.tarballs import SlowTar, Tarball, tree, unpacking


async def test_a_tarball_that_changes_meanwhile_is_refused_and_the_next_start_has_the_new_one(
    tarball: Tarball, slow_tar: SlowTar
) -> None:
    source = tarball.source()
    begun = slow_tar.told.line()
    running = unpacking(source)
    await begun
    os.utime(tarball.path, ns=(1, 1))
    slow_tar.go()
    with pytest.raises(ContainerError, match="changed while it was unpacked; start the agent again"):
        await running
    assert tarball.trees() == []


async def test_a_new_image_waits_for_who_holds_the_old_one(tarball: Tarball) -> None:
    source = ImageSource(tarball.reactor, tarball.content, Unpacked(tarball.reactor, tarball.unpacked))
    async with source.held() as image:
        with pytest.raises(BlockingIOError):
            exclusive(image.root)
    os.close(exclusive(image.root))


async def test_who_comes_while_an_image_is_replaced_gets_the_new_one(tarball: Tarball) -> None:
    source = ImageSource(tarball.reactor, tarball.content, Unpacked(tarball.reactor, tarball.unpacked))
    replacing = exclusive(tarball.content)
    running = unpacking(source)
    assert not running.called
    (tarball.directory / "new").mkdir()
    tarball.content.rename(tarball.directory / "old")
    (tarball.directory / "new").rename(tarball.content)
    os.close(replacing)
    root = await running
    assert os.path.samestat(root.stat(), tarball.content.stat())


async def test_an_image_that_is_long_in_the_replacing_is_refused(
    tarball: Tarball, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(image_source, "ATTEMPTS", 3)
    source = ImageSource(tarball.reactor, tarball.content, Unpacked(tarball.reactor, tarball.unpacked))
    replacing = exclusive(tarball.content)
    with pytest.raises(ContainerError, match="is just being replaced; start the agent again when that is done"):
        await tree(source)
    os.close(replacing)


def exclusive(directory: Path) -> int:
    """The directory, locked as who replaces it does."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        raise
    return descriptor
