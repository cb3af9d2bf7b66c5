"""The two repositories made, for whom, and made to the end after a daemon that was killed in between."""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hyperhive.layout import Layout
from hyperhive.repositories.repositories import Repositories
from tests.repositories.manager import DEFAULT, NAME, Manager

OWNER = (54321, 54322)


def nothing(layout: Layout) -> None:
    shutil.rmtree(layout.state)


def half_applied(layout: Layout) -> None:
    shutil.rmtree(layout.applied(NAME))
    shutil.rmtree(layout.proposed(NAME))
    left = layout.applications / ".new-x"
    (left / "objects").mkdir(parents=True)
    (left / "HEAD").write_text("ref: refs/he")


def applied_alone(layout: Layout) -> None:
    shutil.rmtree(layout.proposed(NAME))


def half_proposed(layout: Layout) -> None:
    layout.proposed(NAME).rename(layout.applications / ".new-x")
    (layout.applications / ".new-x" / "agent.toml").unlink()


def proposed_not_moved(layout: Layout) -> None:
    layout.proposed(NAME).rename(layout.applications / ".new-x")


def directory_for_it(layout: Layout) -> None:
    shutil.rmtree(layout.proposed(NAME))
    layout.proposed(NAME).mkdir(mode=0o700)


def half_taken(layout: Layout) -> None:
    (layout.applications / f".in-x.{NAME}" / "objects").mkdir(parents=True)


@pytest.mark.parametrize(
    "leave",
    [nothing, half_applied, applied_alone, half_proposed, proposed_not_moved, directory_for_it, half_taken],
    ids=lambda row: row.__name__,
)
async def test_what_a_killed_daemon_left_is_completed(
    repositories: Repositories, manager: Manager, layout: Layout, leave: Callable[[Layout], None]
) -> None:
    leave(layout)
    made = await repositories.make(NAME, None)
    assert await repositories.find(NAME, "deployed/0") == await repositories.find(NAME, "main") == made
    assert await repositories.read(NAME, made) == DEFAULT
    assert (manager.git("rev-parse", "HEAD"), manager.git("status", "--porcelain")) == (made, "")
    commit = manager.commit({"agent.toml": "new"})
    assert await repositories.take_in(NAME, commit) == commit
    assert [path.name for path in layout.applications.iterdir()] == [NAME]


def link(place: Path, outside: Path) -> None:
    place.symlink_to(outside)


def link_to_nothing(place: Path, outside: Path) -> None:
    place.symlink_to(outside / "nothing")


def file(place: Path, outside: Path) -> None:
    place.write_text("instead")


def directory(place: Path, outside: Path) -> None:
    place.mkdir()
    (place / "file").write_text("instead")


@pytest.mark.parametrize("put", [link, link_to_nothing, file, directory], ids=lambda row: row.__name__)
async def test_what_the_manager_put_in_its_place_is_left_alone(
    repositories: Repositories, manager: Manager, layout: Layout, tmp_path: Path, put: Callable[[Path, Path], None]
) -> None:
    shutil.rmtree(manager.work)
    (tmp_path / "outside").mkdir()
    put(manager.work, tmp_path / "outside")
    before = manager.work.lstat()
    assert await repositories.make(NAME, None) == await repositories.find(NAME, "main")
    assert manager.work.lstat() == before
    assert not list((tmp_path / "outside").iterdir())
    assert [path.name for path in layout.applications.iterdir()] == [NAME]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
async def test_all_that_is_proposed_belongs_to_its_writer(repositories: Repositories, layout: Layout) -> None:
    await repositories.make(NAME, OWNER)
    work = layout.proposed(NAME)
    owners = {(path.lstat().st_uid, path.lstat().st_gid) for path in [work, *work.rglob("*")]}
    assert owners == {OWNER}
    assert "url = /applied/alice\n" in (work / ".git" / "config").read_text()
    assert {path.lstat().st_uid for path in layout.applied(NAME).rglob("*")} == {0}


async def test_what_was_applied_may_be_read_by_all_and_the_proposal_by_its_writer_alone(
    repositories: Repositories, layout: Layout
) -> None:
    before = os.umask(0o077)
    try:
        await repositories.make(NAME, None)
        await repositories.tag(NAME, "deployed/1", await repositories.find(NAME, "main"), "x")
    finally:
        os.umask(before)
    applied = layout.applied(NAME)
    assert [path for path in [applied, *applied.rglob("*")] if not readable(path)] == []
    assert stat.S_IMODE(layout.proposed(NAME).stat().st_mode) == 0o700


async def test_a_default_may_have_directories_and_spaces(reactor: Any, layout: Layout) -> None:
    files = {"agent.toml": b"", "notes/read me.md": b"\0\n", "ü": b"no line feed"}
    repositories = Repositories(reactor, layout, lambda _: files)
    assert await repositories.read(NAME, await repositories.make(NAME, None)) == files


def readable(path: Path) -> bool:
    needed = 0o055 if path.is_dir() else 0o044
    return path.stat().st_mode & needed == needed


@pytest.mark.parametrize("leads", ["alice", "x" * 300])
async def test_what_the_manager_put_in_the_place_of_its_repository_keeps_nobody_from_starting(
    repositories: Repositories, layout: Layout, leads: str
) -> None:
    made = await repositories.make(NAME, None)
    shutil.rmtree(layout.proposed(NAME))
    layout.proposed(NAME).symlink_to(leads)
    assert await repositories.make(NAME, None) == made
    assert layout.proposed(NAME).is_symlink()


@pytest.mark.parametrize("lock", ["refs/heads/main.lock", "packed-refs.lock", "refs/tags/deployed/1.lock"])
async def test_a_lock_that_a_killed_git_left_holds_up_nothing(
    reactor: Any, repositories: Repositories, layout: Layout, lock: str
) -> None:
    made = await repositories.make(NAME, None)
    path = layout.applied(NAME) / lock
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    after = Repositories(reactor, layout, lambda _: DEFAULT)
    await after.tag(NAME, "deployed/1", made, "again")
    await after.move(NAME, made)
    assert not path.exists()
    path.touch()
    os.utime(path, (0, 0))
    await after.move(NAME, made)
    assert not path.exists()
