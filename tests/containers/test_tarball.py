"""Tarballs as images: unpacked once, whole or not at all, and cleared away when nobody needs them."""

from __future__ import annotations

import os
import shutil
import signal
from pathlib import Path
from typing import Any

import pytest
from twisted.internet.defer import CancelledError, gatherResults

from hyperhive.containers.image_source import ImageSource
from hyperhive.containers.tarball import Unpacked
from hyperhive.errors import ContainerError
from tests.containers.tarballs import SlowTar, Tarball, tree, unpacking
from tests.images.test_place import running_on

SUFFIXES: dict[str, list[str]] = {".tar": [], ".tar.gz": ["--gzip"], ".tar.xz": ["--xz"], ".tar.zst": ["--zstd"]}
ROOT_ONLY = pytest.mark.skipif(os.geteuid() != 0, reason="only root can have a process run on a tree")


@pytest.mark.parametrize("suffix", SUFFIXES)
async def test_a_tarball_of_each_kind_is_unpacked_to_a_tree_with_mount_points(
    reactor: Any, tmp_path: Path, suffix: str
) -> None:
    tarball = Tarball(reactor, tmp_path, suffix)
    tarball.pack(*SUFFIXES[suffix])
    async with tarball.source().held() as image:
        assert image.root.parent == tarball.unpacked
        assert image.directories() == ["etc", "home", "usr"]
        assert image.user("agent").uid == 1000
        assert (image.root / "usr/bin/tool").stat().st_mode & 0o7777 == 0o4755
        assert (image.root / "run/hive").is_dir()
        assert not list((image.root / "dev").iterdir())
    assert tarball.trees() == [image.root.name]
    assert tarball.unpacked.stat().st_mode & 0o777 == 0o700


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
async def test_owners_are_kept_by_their_numbers(tarball: Tarball) -> None:
    os.chown(tarball.content / "home/agent", 1000, 1000)
    tarball.pack()
    seen = ((await tree(tarball.source())) / "home/agent").stat()
    assert (seen.st_uid, seen.st_gid) == (1000, 1000)


async def test_it_is_unpacked_once_however_many_ask_and_daemons_come(tarball: Tarball, slow_tar: SlowTar) -> None:
    source = tarball.source()
    begun = slow_tar.told.line()
    asking = [unpacking(source) for _ in range(10)]
    await begun
    slow_tar.go()
    trees = await gatherResults(asking)
    assert len(set(trees)) == 1
    assert await tree(tarball.source()) == trees[0]
    assert len(slow_tar.pids) == 1


async def test_another_tarball_in_its_place_is_unpacked_and_the_former_tree_removed(tarball: Tarball) -> None:
    source = tarball.source()
    former = await tree(source)
    tarball.pack(version="2")
    current = await tree(source)
    assert (current / "version").read_text() == "2"
    assert tarball.trees() == [current.name]
    assert former != current


async def test_a_tree_that_is_held_stays(tarball: Tarball) -> None:
    source = tarball.source()
    async with source.held() as former:
        tarball.pack(version="2")
        async with source.held() as current:
            assert (former.root / "version").read_text() == "1"
            assert (current.root / "version").read_text() == "2"
    assert await tree(source) == current.root
    assert tarball.trees() == [current.root.name]


@ROOT_ONLY
async def test_a_tree_that_something_runs_on_stays_until_that_ends(tarball: Tarball) -> None:
    source = tarball.source()
    former = await tree(source)
    with running_on(former):
        tarball.pack(version="2")
        current = await tree(source)
        assert tarball.trees() == sorted([former.name, current.name])
    assert await tree(source) == current
    assert tarball.trees() == [current.name]


async def test_where_the_image_is_a_directory_now_no_tree_is_left(tarball: Tarball) -> None:
    await tree(tarball.source())
    source = ImageSource(tarball.reactor, tarball.content, Unpacked(tarball.reactor, tarball.unpacked))
    assert await tree(source) == tarball.content
    assert tarball.trees() == []


@pytest.mark.parametrize("word", ["fail", "kill", "cancel"])
async def test_what_was_not_unpacked_to_the_end_is_not_taken_for_a_tree(
    tarball: Tarball, slow_tar: SlowTar, word: str
) -> None:
    source = tarball.source()
    begun = slow_tar.told.line()
    running = unpacking(source)
    await begun
    if word == "cancel":
        running.cancel()
    elif word == "kill":
        os.kill(slow_tar.pids[0], signal.SIGKILL)
    else:
        slow_tar.go("fail")
    with pytest.raises(CancelledError if word == "cancel" else ContainerError):
        await running
    begun = slow_tar.told.line()
    running = unpacking(source)
    await begun
    slow_tar.go()
    unpacked = await running
    assert tarball.trees() == [unpacked.name]


async def test_what_a_killed_daemon_left_half_unpacked_or_half_removed_is_cleared_away(tarball: Tarball) -> None:
    for left in (".new-abc", ".old-123"):
        (tarball.unpacked / left / "tree/etc").mkdir(parents=True)
    current = await tree(tarball.source())
    assert tarball.trees() == [current.name]


async def test_a_lock_that_systemd_nspawn_made_beside_a_tree_goes_with_the_tree(tarball: Tarball) -> None:
    source = tarball.source()
    former = await tree(source)
    lock = former.with_name(f".#{former.name}.lck")
    lock.touch()
    await tree(source)
    assert lock.exists()
    tarball.pack(version="2")
    await tree(source)
    assert not lock.exists()


async def test_the_trees_of_different_agents_tarballs_are_kept_side_by_side(tarball: Tarball) -> None:
    other = shutil.copy(tarball.path, tarball.path.with_name("other.tar"))
    source = tarball.source()
    trees = [await tree(source), await tree(source.at(Path(other))), await tree(source)]
    assert trees[0] == trees[2] != trees[1]
    assert tarball.trees() == sorted({path.name for path in trees})
    tarball.pack(version="2")
    new = await tree(source)
    assert tarball.trees() == sorted([new.name, trees[1].name])


async def test_trees_of_two_tarballs_that_are_wanted_at_once_do_not_get_into_each_others_way(tarball: Tarball) -> None:
    other = shutil.copy(tarball.path, tarball.path.with_name("other.tar"))
    source = tarball.source()
    first, second = await gatherResults([unpacking(source), unpacking(source.at(Path(other)))])
    assert tarball.trees() == sorted([first.name, second.name])
