"""Tarballs as images: unpacked once, whole or not at all, and cleared away when nobody needs them."""

from __future__ import annotations

import fcntl
import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from twisted.internet.defer import CancelledError, Deferred, gatherResults

from hyperhive.containers import image_source
from hyperhive.containers.image_source import ImageSource
from hyperhive.containers.tarball import Unpacked
from hyperhive.errors import ContainerError
from tests.containers.telling import Told
from tests.images.test_place import running_on

SUFFIXES: dict[str, list[str]] = {".tar": [], ".tar.gz": ["--gzip"], ".tar.xz": ["--xz"], ".tar.zst": ["--zstd"]}
# In the place of tar: says that it has begun, and waits for a word before it does its work or fails.
SLOW_TAR = """#!/bin/sh
echo $$ >> {directory}/tars
echo begun > {directory}/told
read word < {directory}/go
test "$word" = on || exit 1
exec {tar} "$@"
"""
ROOT_ONLY = pytest.mark.skipif(os.geteuid() != 0, reason="only root can have a process run on a tree")


class Tarball:
    """A root tree and the tarball of it, with the source that unpacks it."""

    def __init__(self, reactor: Any, directory: Path, suffix: str = ".tar") -> None:
        self.reactor = reactor
        self.directory = directory
        self.content = directory / "content"
        self.path = directory / f"image{suffix}"
        self.unpacked = directory / "images"
        for name in ("etc", "home/agent", "usr/bin", "dev"):
            (self.content / name).mkdir(parents=True)
        (self.content / "etc/passwd").write_text("agent:x:1000:1000::/home/agent:/bin/sh\n")
        (self.content / "usr/bin/tool").write_text("tool")
        (self.content / "usr/bin/tool").chmod(0o4755)
        (self.content / "dev/null").touch()

    def pack(self, *options: str, version: str = "1", names: tuple[str, ...] = (".",)) -> Path:
        """Make the tarball anew, as another file."""
        (self.content / "version").write_text(version)
        new = self.path.with_name("new")
        subprocess.run(["tar", *options, "-C", str(self.content), "-cf", str(new), *names], check=True, timeout=30)
        new.replace(self.path)
        return self.path

    def source(self) -> ImageSource:
        return ImageSource(self.reactor, self.path, Unpacked(self.reactor, self.unpacked))

    def trees(self) -> list[str]:
        return sorted(path.name for path in self.unpacked.iterdir())


@pytest.fixture
def tarball(reactor: Any, tmp_path: Path) -> Tarball:
    it = Tarball(reactor, tmp_path)
    it.pack()
    return it


class SlowTar:
    """A tar that begins when it is called, says so, and goes on when it is told to."""

    def __init__(self, reactor: Any, directory: Path) -> None:
        self.directory = directory
        directory.mkdir()
        program = directory / "tar"
        program.write_text(SLOW_TAR.format(directory=directory, tar=shutil.which("tar")))
        program.chmod(0o755)
        os.mkfifo(directory / "go")
        self.told = Told(reactor, directory / "told")

    def go(self, word: str = "on") -> None:
        (self.directory / "go").write_text(f"{word}\n")

    @property
    def pids(self) -> list[int]:
        return [int(line) for line in (self.directory / "tars").read_text().split()]


@pytest.fixture
def slow_tar(reactor: Any, tarball: Tarball, monkeypatch: pytest.MonkeyPatch) -> Iterator[SlowTar]:
    it = SlowTar(reactor, tarball.directory / "slow")
    monkeypatch.setenv("PATH", f"{it.directory}:{os.environ['PATH']}")
    yield it
    it.told.close()


async def tree(source: ImageSource) -> Path:
    async with source.held() as image:
        return image.root


def unpacking(source: ImageSource) -> Deferred[Path]:
    return Deferred.fromCoroutine(tree(source))


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


REFUSED = {
    "text": (b"hello\n", "is neither a directory nor a tarball; 'nspawn.image' takes a root tree, or one as .tar"),
    "nothing": (b"", "is neither a directory nor a tarball"),
    "cut": (None, "can't be unpacked: tar: Unexpected EOF in archive"),
    "gzip of nothing": (b"\x1f\x8b\x08", "can't be unpacked: gzip: stdin: unexpected end of file"),
}


@pytest.mark.parametrize("what", REFUSED)
async def test_what_is_no_tarball_is_refused(tarball: Tarball, what: str) -> None:
    content, sentence = REFUSED[what]
    tarball.path.write_bytes(tarball.path.read_bytes()[:2000] if content is None else content)
    with pytest.raises(ContainerError, match=sentence):
        await tree(tarball.source())
    assert not tarball.unpacked.exists() or tarball.trees() == []


async def test_a_tarball_of_something_else_is_refused(tarball: Tarball) -> None:
    tarball.pack(names=("usr", "version"))
    with pytest.raises(ContainerError, match="holds no /etc/passwd; it must hold a root tree, with its etc and usr at"):
        await tree(tarball.source())
    assert tarball.trees() == []


@pytest.mark.parametrize("point", ["run", "state", "applied"])
async def test_a_link_in_the_place_of_a_mount_point_is_refused(tarball: Tarball, point: str) -> None:
    (tarball.content / point).symlink_to("/tmp")
    tarball.pack()
    with pytest.raises(ContainerError, match=f"has a link at /{point}, where a directory must be"):
        await tree(tarball.source())


async def test_a_missing_program_is_named(tarball: Tarball, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tarball.pack("--zstd")
    (tmp_path / "bin").mkdir()
    for program in ("tar", "setpriv"):
        (tmp_path / "bin" / program).symlink_to(str(shutil.which(program)))
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    with pytest.raises(ContainerError, match="can't be unpacked without 'zstd'; install it on this host"):
        await tree(tarball.source())


async def test_an_image_that_is_not_there_is_refused(tarball: Tarball) -> None:
    tarball.path.unlink()
    with pytest.raises(ContainerError, match=r"there is no image .*image\.tar; 'hivectl image build' makes one"):
        await tree(tarball.source())


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
