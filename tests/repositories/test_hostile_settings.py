"""Whatever a proposed repository tells git to run, to read or to leave out: none of it has any effect."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Mapping

import pytest

from hyperhive.repositories.repositories import Repositories
from tests.repositories.hostile import Trap
from tests.repositories.manager import DEFAULT, NAME

HOOKS = """
    applypatch-msg commit-msg fsmonitor-watchman post-applypatch post-checkout post-commit post-index-change
    post-merge post-receive post-rewrite post-update pre-applypatch pre-auto-gc pre-commit pre-merge-commit pre-push
    pre-rebase pre-receive prepare-commit-msg proc-receive push-to-checkout reference-transaction sendemail-validate
    update
"""
PROGRAMS = """
    core.fsmonitor core.sshCommand core.pager core.editor core.askPass core.gitProxy core.alternateRefsCommand
    sequence.editor diff.external diff.x.command diff.x.textconv filter.x.clean filter.x.smudge filter.x.process
    merge.x.driver gpg.program gpg.ssh.program gpg.x509.program credential.helper uploadpack.packObjectsHook
    remote.applied.uploadpack interactive.diffFilter trailer.x.command tar.x.command pager.diff pager.log
"""
ATTRIBUTES = (
    "* filter=x diff=x merge=x\n*.txt export-subst ident eol=crlf text working-tree-encoding=UTF-16LE\n"
    "left-out export-ignore\n*.toml -diff binary linguist-generated\n.gitattributes -diff\n"
)
ODD = {
    "agent.toml": b"network = 'host'\n",
    "left-out": b"still there\n",
    "text.txt": b"$Id$ $Format:%H%n$\r\nlf\n\0",
    ".gitattributes": ATTRIBUTES.encode(),
}


def hooks(trap: Trap) -> None:
    (trap.git / "hooks").mkdir(exist_ok=True)
    for hook in HOOKS.split():
        (trap.git / "hooks" / hook).symlink_to(trap.program)


def programs(trap: Trap) -> None:
    for key in PROGRAMS.split():
        trap.manager.git("config", "--file", str(trap.git / "config"), key, str(trap.program))
    for key in ("commit.gpgSign", "tag.gpgSign", "filter.x.required", "core.fsmonitorHookVersion"):
        trap.manager.git("config", "--file", str(trap.git / "config"), key, "1")


def hooks_elsewhere(trap: Trap) -> None:
    hooks(trap)
    trap.manager.git("config", "core.hooksPath", str(trap.git / "hooks"))
    trap.manager.git("config", "init.templateDir", str(trap.git))


def included(trap: Trap) -> None:
    (trap.outside / "config").write_text(f"[core]\n\tfsmonitor = {trap.program}\n")
    trap.manager.git("config", "include.path", str(trap.outside / "config"))
    trap.manager.git("config", "--file", str(trap.git / "config"), "core.worktree", str(trap.outside))


def broken_settings(trap: Trap) -> None:
    (trap.git / "config").write_text("[core]\n\trepositoryformatversion = 99\n[extensions]\n\tnoSuch = 1\n[")


def attributes_of_its_own(trap: Trap) -> None:
    (trap.git / "info").mkdir(exist_ok=True)
    (trap.git / "info" / "attributes").write_text("* -diff binary export-ignore\n")
    (trap.git / "info" / "grafts").write_text("0" * 40 + "\n")


def indices(trap: Trap) -> None:
    for file in ("info/commit-graph", "info/packs", "pack/multi-pack-index", "pack/pack-1.idx", "pack/pack-1.rev"):
        path = trap.git / "objects" / file
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"a lie")


def alternates(trap: Trap) -> None:
    (trap.git / "objects" / "info").mkdir(exist_ok=True)
    trap.neighbour()
    for file in ("alternates", "http-alternates"):
        (trap.git / "objects" / "info" / file).write_text(f"{trap.outside}/repository/.git/objects\n")


def replaced(trap: Trap) -> None:
    commit = trap.manager.git("rev-parse", "HEAD")
    other = trap.files(evil=b"instead")
    trap.manager.git("replace", commit, other)
    trap.manager.git("replace", f"{commit}^{{tree}}", f"{other}^{{tree}}")


def named_like_the_commit(trap: Trap) -> None:
    commit = trap.manager.git("rev-parse", "HEAD")
    for length in (4, 7, 40):
        trap.manager.git("update-ref", f"refs/heads/{commit[:length]}", "HEAD~")
        trap.manager.git("update-ref", f"refs/tags/{commit[:length]}", "HEAD~")


def told_of_a_shallow_history(trap: Trap) -> None:
    (trap.git / "shallow").write_text(trap.manager.git("rev-parse", "HEAD") + "\n")


def links_elsewhere(trap: Trap) -> None:
    for file in ("config", "HEAD", "packed-refs", "index", "description"):
        (trap.git / file).unlink(missing_ok=True)
        (trap.git / file).symlink_to(trap.outside / "secret")


TABLE: tuple[Callable[[Trap], None], ...] = (
    hooks, programs, hooks_elsewhere, included, broken_settings, attributes_of_its_own, indices, alternates, replaced,
    named_like_the_commit, told_of_a_shallow_history, links_elsewhere,
)  # fmt: skip


def odd(trap: Trap) -> str:
    """A commit of those files, with these very bytes; the manager's `main` is at it."""
    tree = trap.tree([("100644", path.encode(), trap.blob(data)) for path, data in ODD.items()])
    commit = trap.manager.commit_tree(tree, "-p", "HEAD")
    trap.manager.git("update-ref", "refs/heads/main", commit)
    return commit


@pytest.mark.parametrize("arrange", TABLE, ids=lambda row: row.__name__)
async def test_it_has_no_effect(repositories: Repositories, trap: Trap, arrange: Callable[[Trap], None]) -> None:
    base = await repositories.find(NAME, "main")
    commit = odd(trap)
    arrange(trap)
    assert await repositories.take_in(NAME, commit[:8]) == commit
    await applied_as_it_is(repositories, base, commit)


async def applied_as_it_is(repositories: Repositories, base: str, commit: str) -> None:
    """All that is done with a commit, as it is when that is `main` too: its bytes are its bytes."""
    await repositories.tag(NAME, "proposal/1", commit, "hostile")
    for main in (base, commit):
        await repositories.move(NAME, main)
        assert await repositories.read(NAME, commit) == ODD
        directory = await repositories.write_out(NAME, commit)
        assert {path.name: path.read_bytes() for path in directory.iterdir()} == ODD
        shows_all(await repositories.diff(NAME, base, commit))
    assert await repositories.make(NAME, None) == commit


def shows_all(diff: str) -> None:
    """Every byte of a changed file stands in the diff."""
    new: Mapping[str, bytes] = {path: data for path, data in ODD.items() if path not in DEFAULT}
    assert f"-{DEFAULT['agent.toml'].decode()}+{ODD['agent.toml'].decode()}" in diff
    for data in new.values():
        lines = data.decode().split("\n")
        for line in filter(None, lines):
            assert f"\n+{line}\n" in diff


async def test_a_new_checkout_of_it_runs_nothing(repositories: Repositories, trap: Trap) -> None:
    commit = odd(trap)
    programs(trap)
    await repositories.take_in(NAME, commit)
    await repositories.move(NAME, commit)
    trap.manager.work.rename(trap.outside.parent / "gone")
    assert await repositories.make(NAME, None) == commit
    assert trap.manager.git("rev-parse", "HEAD") == commit


async def test_git_run_in_it_would_run_its_programs(trap: Trap) -> None:
    odd(trap)
    programs(trap)
    subprocess.run(["git", "-C", str(trap.manager.work), "status"], capture_output=True, check=False)
    (trap.outside / "ran").unlink()
