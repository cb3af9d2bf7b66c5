"""Links, pipes and files where directories should be: none is followed, waited for, or written to."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from hyperhive.errors import RepositoryError
from hyperhive.repositories.repositories import Repositories
from tests.repositories.hostile import Trap
from tests.repositories.manager import NAME


def elsewhere(trap: Trap, place: Path) -> str:
    """Move something of the repository outside, and put a link in its place; a commit that is needed from there."""
    commit = trap.manager.commit({"agent.toml": "new"})
    target = trap.outside / "moved"
    place.rename(target)
    place.symlink_to(target)
    return commit


def proposed(trap: Trap) -> str:
    return elsewhere(trap, trap.manager.work)


def repository(trap: Trap) -> str:
    return elsewhere(trap, trap.git)


def objects(trap: Trap) -> str:
    return elsewhere(trap, trap.git / "objects")


def packs(trap: Trap) -> str:
    trap.pack_all()
    return elsewhere(trap, trap.git / "objects" / "pack")


def pack(trap: Trap) -> str:
    path = trap.pack_all()
    path.rename(trap.outside / "moved")
    path.symlink_to(trap.outside / "moved")
    return trap.manager.git("rev-parse", "HEAD")


def fan(trap: Trap) -> str:
    commit = trap.files(file=b"new")
    place = trap.manager.loose(commit).parent
    place.rename(trap.outside / "moved")
    place.symlink_to(trap.outside / "moved")
    return commit


def loose_object(trap: Trap) -> str:
    commit = trap.files(file=b"new")
    return linked(trap, commit, trap.manager.git("rev-parse", f"{commit}:file"))


def commit_object(trap: Trap) -> str:
    commit = trap.files(file=b"new")
    return linked(trap, commit, commit)


def linked(trap: Trap, commit: str, sha: str) -> str:
    path = trap.manager.loose(sha)
    path.rename(trap.outside / "moved")
    path.symlink_to(trap.outside / "moved")
    return commit


def pipe(trap: Trap) -> str:
    commit = trap.files(file=b"new")
    path = trap.manager.loose(trap.manager.git("rev-parse", f"{commit}:file"))
    path.unlink()
    os.mkfifo(path)
    return commit


def pipe_for_a_pack(trap: Trap) -> str:
    os.mkfifo(trap.git / "objects" / "pack" / "pack-1.pack")
    return trap.manager.git("rev-parse", "HEAD")


def pipe_for_all(trap: Trap) -> str:
    commit = trap.manager.git("rev-parse", "HEAD")
    trap.git.rename(trap.outside / "moved")
    os.mkfifo(trap.git)
    return commit


def gitfile(trap: Trap) -> str:
    commit = trap.manager.git("rev-parse", "HEAD")
    trap.git.rename(trap.outside / "moved")
    trap.git.write_text(f"gitdir: {trap.outside}/moved\n")
    return commit


def removed(trap: Trap) -> str:
    commit = trap.manager.git("rev-parse", "HEAD")
    trap.git.rename(trap.outside / "moved")
    return commit


def pipe_for_a_branch(trap: Trap) -> str:
    for name in ("packed-refs", "HEAD", "refs/heads/x"):
        (trap.git / name).unlink(missing_ok=True)
        os.mkfifo(trap.git / name)
    return "x"


def link_for_a_branch(trap: Trap) -> str:
    (trap.outside / "name").write_text("1" * 40 + "\n")
    (trap.git / "refs" / "heads" / "x").symlink_to(trap.outside / "name")
    (trap.git / "refs" / "outside").symlink_to(trap.outside)
    return "x"


def links_for_branches(trap: Trap) -> str:
    link_for_a_branch(trap)
    return "outside/name"


def endless_branch(trap: Trap) -> str:
    (trap.git / "refs" / "heads" / "x").write_text("ref: refs/heads/x\n")
    return "x"


def large_branch(trap: Trap) -> str:
    with (trap.git / "refs" / "heads" / "x").open("wb") as file:
        file.truncate(2**40)
    with (trap.git / "packed-refs").open("wb") as file:
        file.truncate(2**40)
    return "x"


def branch_that_leads_out(trap: Trap) -> str:
    (trap.git / "refs" / "heads" / "x").write_text("ref: ../../../../outside/name\n")
    (trap.outside / "name").write_text("1" * 40 + "\n")
    return "x"


def branch_of_nothing(trap: Trap) -> str:
    (trap.git / "refs" / "heads" / "x").write_text("1" * 40 + "\n")
    return "x"


MUST = " must be a directory, and something else stands there: neither links nor files are followed"
NO_NAME = "'(x|outside/name)' names no commit"
TABLE: dict[Callable[[Trap], str], str] = {
    proposed: "proposed/alice" + MUST,
    repository: "proposed/alice/.git" + MUST,
    objects: "proposed/alice/.git/objects" + MUST,
    packs: "proposed/alice/.git/objects/pack" + MUST,
    pack: "proposed/alice/.git/objects/pack/pack-.*.pack is no ordinary file",
    fan: "proposed/alice/.git/objects/[0-9a-f]{2}" + MUST,
    loose_object: "is not whole in .*: object [0-9a-f]{40} is no ordinary file",
    commit_object: r"there is no commit .* \(object [0-9a-f]{40} is no ordinary file\)",
    pipe: "object [0-9a-f]{40} is no ordinary file",
    pipe_for_a_pack: "pack-1.pack is no ordinary file",
    pipe_for_all: "proposed/alice/.git" + MUST,
    gitfile: "proposed/alice/.git" + MUST,
    removed: "there is no repository to take a commit from: proposed/alice/.git is not there",
    pipe_for_a_branch: NO_NAME,
    link_for_a_branch: NO_NAME,
    links_for_branches: NO_NAME,
    endless_branch: NO_NAME,
    large_branch: NO_NAME,
    branch_that_leads_out: NO_NAME,
    branch_of_nothing: "'x' is a branch; it points to 1{40}, and that is no commit of",
}


@pytest.mark.deadline(10)
@pytest.mark.parametrize("arrange", TABLE, ids=lambda row: row.__name__)
async def test_it_is_refused(repositories: Repositories, trap: Trap, arrange: Callable[[Trap], str]) -> None:
    ref = arrange(trap)
    before = snapshot(trap.outside)
    with pytest.raises(RepositoryError, match=TABLE[arrange]):
        await repositories.take_in(NAME, ref)
    assert snapshot(trap.outside) == before


@pytest.mark.parametrize("place", [".git", ".git/objects", ".git/objects/pack"])
async def test_what_may_not_be_read_is_refused(repositories: Repositories, trap: Trap, place: str) -> None:
    commit = trap.manager.git("rev-parse", "HEAD")
    (trap.manager.work / place).chmod(0)
    if os.access(trap.manager.work / place, os.R_OK):
        pytest.skip("nothing is unreadable to root")
    with pytest.raises(RepositoryError, match=f"proposed/alice/{place} can't be read: Permission denied"):
        await repositories.take_in(NAME, commit)
    (trap.manager.work / place).chmod(0o700)


def snapshot(directory: Path) -> dict[Path, tuple[int, bytes]]:
    """Every file below a directory: when it was changed, and what is in it."""
    return {path: (path.lstat().st_mtime_ns, path.read_bytes()) for path in directory.rglob("*") if path.is_file()}
