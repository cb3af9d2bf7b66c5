"""The way of a configuration: made, proposed, taken in, read, written out, told of."""

from __future__ import annotations

import shutil
import stat
import subprocess
from pathlib import Path
from typing import Any

import pytest
from zope.interface.verify import verifyObject

from hyperhive.boundaries import IRepositories
from hyperhive.errors import RepositoryError
from hyperhive.layout import Layout
from hyperhive.limits import MOST_ROWS
from hyperhive.repositories.repositories import Repositories
from tests.repositories.manager import DEFAULT, NAME, Manager


def in_applied(layout: Layout, *words: str) -> str:
    done = subprocess.run(["git", "-C", str(layout.applied(NAME)), *words], capture_output=True, text=True, check=True)
    return done.stdout.strip()


def written(layout: Layout) -> list[str]:
    return [path.name for path in layout.deployed(NAME).iterdir()]


def test_all_of_the_interface_is_there(repositories: Repositories) -> None:
    assert verifyObject(IRepositories, repositories)


async def test_a_new_agent_has_the_default_on_main_as_deployed_0(repositories: Repositories, layout: Layout) -> None:
    made = await repositories.make(NAME, None)
    assert await repositories.find(NAME, "main") == made
    assert await repositories.find(NAME, "deployed/0") == made
    assert await repositories.read(NAME, made) == DEFAULT
    assert (layout.proposed(NAME) / "agent.toml").read_bytes() == DEFAULT["agent.toml"]
    assert in_applied(layout, "fsck", "--strict") == ""


async def test_what_is_proposed_first_is_a_clean_checkout_of_main(repositories: Repositories, manager: Manager) -> None:
    assert manager.git("status", "--porcelain") == ""
    assert manager.git("rev-parse", "HEAD") == await repositories.find(NAME, "main")
    assert manager.git("branch", "--show-current") == "main"
    assert manager.git("config", "user.name") == "manager"
    manager.git("fetch", "applied")


async def test_making_again_changes_nothing(repositories: Repositories, manager: Manager) -> None:
    proposed = manager.commit({"agent.toml": "new"})
    made = await repositories.find(NAME, "main")
    assert await repositories.make(NAME, None) == made
    assert manager.git("rev-parse", "HEAD") == proposed


async def test_a_commit_is_taken_in_by_some_of_its_digits(repositories: Repositories, manager: Manager) -> None:
    commit = manager.commit({"agent.toml": "new", "bin/run": "#!/bin/sh\n", "Grüße.txt": "ä"})
    assert await repositories.take_in(NAME, commit[:8].upper()) == commit
    assert await repositories.read(NAME, commit) == {
        "agent.toml": b"new",
        "bin/run": b"#!/bin/sh\n",
        "Grüße.txt": "ä".encode(),
    }


async def test_packed_commits_are_taken_in(repositories: Repositories, manager: Manager) -> None:
    for number in range(5):
        manager.commit({"agent.toml": "x\n" * 1000 + str(number)})
    manager.git("gc", "--quiet")
    commit = manager.commit({"agent.toml": "last"})
    manager.git("repack", "--quiet", "-d")
    assert await repositories.take_in(NAME, commit) == commit


async def test_only_what_the_commit_needs_comes_over(
    repositories: Repositories, manager: Manager, layout: Layout
) -> None:
    other = manager.commit({"agent.toml": "other"})
    manager.git("reset", "--quiet", "--hard", "HEAD~")
    commit = manager.commit({"agent.toml": "new"})
    await repositories.take_in(NAME, commit)
    with pytest.raises(RepositoryError, match="there is no commit"):
        await repositories.find(NAME, other)
    assert [path.name for path in layout.applications.iterdir()] == [NAME]


async def test_a_rewritten_or_removed_proposal_changes_nothing(repositories: Repositories, manager: Manager) -> None:
    commit = manager.commit({"agent.toml": "new"})
    await repositories.take_in(NAME, commit)
    manager.git("reset", "--quiet", "--hard", "HEAD~")
    manager.git("reflog", "expire", "--expire=now", "--all")
    manager.git("gc", "--quiet", "--prune=now")
    assert await repositories.read(NAME, commit) == {"agent.toml": b"new"}
    shutil.rmtree(manager.work)
    assert await repositories.read(NAME, commit) == {"agent.toml": b"new"}
    with pytest.raises(RepositoryError, match=r"no repository to take a commit from: proposed/alice is not there"):
        await repositories.take_in(NAME, commit)
    await repositories.make(NAME, None)
    assert manager.git("status", "--porcelain") == ""


@pytest.mark.parametrize("ref", ["main", "heads/main", "HEAD", "feature/x"])
async def test_a_branch_is_refused_with_where_it_is(repositories: Repositories, manager: Manager, ref: str) -> None:
    manager.git("branch", "feature/x")
    at = manager.git("rev-parse", ref)
    with pytest.raises(RepositoryError, match=rf"'{ref}' is a \w+, which may move; it is at {at} now: ask for that"):
        await repositories.take_in(NAME, ref)


@pytest.mark.parametrize("prepare", [(), ("pack-refs", "--all")], ids=["loose", "packed"])
async def test_a_tag_is_refused_with_its_commit(
    repositories: Repositories, manager: Manager, prepare: tuple[str, ...]
) -> None:
    commit = manager.commit()
    manager.git("tag", "--annotate", "--message", "x", "v1")
    if prepare:
        manager.git(*prepare)
    with pytest.raises(RepositoryError, match=rf"'v1' is a tag, which may move; it is at {commit} now: ask for that"):
        await repositories.take_in(NAME, "v1")


@pytest.mark.parametrize(
    "ref", ["nothing", "", "abc", "../../x", "-x", "--upload-pack=x", "main\n", "x" * 5000, "\udc80"]
)
async def test_a_name_of_nothing_is_refused(repositories: Repositories, manager: Manager, ref: str) -> None:
    with pytest.raises(RepositoryError, match="names no commit: give 4 to 40 hex digits") as raised:
        await repositories.take_in(NAME, ref)
    assert len(str(raised.value)) < 500


async def test_a_missing_commit_is_refused(repositories: Repositories, manager: Manager) -> None:
    with pytest.raises(RepositoryError, match="there is no commit 'feed' in the proposed repository of 'alice'"):
        await repositories.take_in(NAME, "feed")


async def test_what_is_no_commit_is_refused(repositories: Repositories, manager: Manager) -> None:
    tree = manager.git("rev-parse", "HEAD^{tree}")
    with pytest.raises(RepositoryError, match=r"is a tree in .*, and no commit"):
        await repositories.take_in(NAME, tree)


async def test_an_ambiguous_abbreviation_is_refused(repositories: Repositories, manager: Manager) -> None:
    # Two commits of 400 whose first four digits are the same are all but certain, and these are always the same ones.
    tree, seen = manager.git("rev-parse", "HEAD^{tree}"), set[str]()
    for number in range(3000):
        body = f"tree {tree}\nauthor a <a@b> {number} +0000\ncommitter a <a@b> {number} +0000\n\nx\n".encode()
        digits = git_name("commit", body)[:4]
        if digits in seen:
            break
        seen.add(digits)
    else:
        pytest.fail("no two of them begin alike")
    for other in range(number + 1):
        body = f"tree {tree}\nauthor a <a@b> {other} +0000\ncommitter a <a@b> {other} +0000\n\nx\n".encode()
        if git_name("commit", body)[:4] == digits:
            manager.object("commit", body)
    with pytest.raises(RepositoryError, match=f"'{digits}' could be any of 2 commits of .*: give more digits"):
        await repositories.take_in(NAME, digits)


async def test_before_an_agent_has_a_repository_that_is_said(repositories: Repositories) -> None:
    with pytest.raises(RepositoryError, match="'bob' has no configuration repository yet"):
        await repositories.take_in("bob", "feed")


async def test_files_are_written_out_byte_for_byte_and_read_only(
    repositories: Repositories, manager: Manager, layout: Layout
) -> None:
    manager.write("bin/run", b"\r\n\0\xff")
    (manager.work / "bin/run").chmod(0o755)
    commit = manager.commit({"agent.toml": "new"})
    await repositories.take_in(NAME, commit)
    directory = await repositories.write_out(NAME, commit)
    assert directory == layout.deployed(NAME) / commit
    assert (directory / "bin/run").read_bytes() == b"\r\n\0\xff"
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in [directory, *directory.rglob("*")]}
    assert modes == {commit: 0o755, "bin": 0o755, "run": 0o555, "agent.toml": 0o444}
    assert await repositories.write_out(NAME, commit) == directory


async def test_what_a_killed_daemon_left_of_written_files_goes(
    repositories: Repositories, manager: Manager, layout: Layout
) -> None:
    commit = await repositories.find(NAME, "main")
    (layout.deployed(NAME) / ".new-x").mkdir(parents=True)
    await repositories.write_out(NAME, commit)
    assert written(layout) == [commit]


async def test_moving_main_keeps_the_files_of_that_commit_alone(
    repositories: Repositories, manager: Manager, layout: Layout
) -> None:
    first = await repositories.find(NAME, "main")
    second = await repositories.take_in(NAME, manager.commit({"agent.toml": "new"}))
    for commit in (first, second):
        await repositories.write_out(NAME, commit)
    await repositories.move(NAME, second)
    assert await repositories.find(NAME, "main") == second
    assert written(layout) == [second]
    await repositories.move(NAME, first)
    assert await repositories.find(NAME, "main") == first
    assert written(layout) == []


async def test_a_diff_shows_what_changes(repositories: Repositories, manager: Manager) -> None:
    base = await repositories.find(NAME, "main")
    commit = await repositories.take_in(NAME, manager.commit({"agent.toml": "a\n", "ü\xe4.txt": b"\xff\n"}))
    diff = await repositories.diff(NAME, base, commit)
    assert "\n-# the default\n+a\n" in diff
    assert "+++ b/üä.txt\n@@ -0,0 +1 @@\n+\\xff\n" in diff
    assert await repositories.diff(NAME, commit, commit) == ""


async def test_a_diff_shows_a_moved_file_whole_and_a_changed_mode(repositories: Repositories, manager: Manager) -> None:
    base = await repositories.take_in(NAME, manager.commit({"old": "x\n" * 50, "run": "y"}))
    (manager.work / "old").rename(manager.work / "new")
    (manager.work / "run").chmod(0o755)
    commit = await repositories.take_in(NAME, manager.commit())
    diff = await repositories.diff(NAME, base, commit)
    assert (diff.count("\n-x"), diff.count("\n+x")) == (50, 50)
    assert "old mode 100644\nnew mode 100755\n" in diff


async def test_too_large_a_diff_is_refused(repositories: Repositories, manager: Manager) -> None:
    base = await repositories.find(NAME, "main")
    commit = await repositories.take_in(NAME, manager.commit({"much": "x\n" * 300_000}))
    with pytest.raises(RepositoryError, match="is larger than 163840 bytes"):
        await repositories.diff(NAME, base, commit)


async def test_tags_tell_the_history_newest_first(repositories: Repositories, manager: Manager) -> None:
    commit = await repositories.take_in(NAME, manager.commit({"agent.toml": "new"}))
    for tag in ("proposal/1", "approved/1", "building/1", "failed/1", "proposal/2", "cancelled/2", "proposal/3"):
        await repositories.tag(NAME, tag, commit, f"# said of {tag}\n\nwhy: \0 ü")
    history = await repositories.history(NAME)
    assert [event.tag for event in history] == [
        "proposal/3", "cancelled/2", "proposal/2", "failed/1", "building/1", "approved/1", "proposal/1", "deployed/0",
    ]  # fmt: skip
    assert {event.sha for event in history[:-1]} == {commit}
    assert history[0].text == "# said of proposal/3\n\nwhy: \ufffd ü"
    assert history[-1].text == "the default configuration"
    assert history[0].at >= history[-1].at > 1_700_000_000


async def test_a_tag_is_set_once(repositories: Repositories, manager: Manager) -> None:
    first = await repositories.find(NAME, "main")
    commit = await repositories.take_in(NAME, manager.commit({"agent.toml": "new"}))
    await repositories.tag(NAME, "deployed/1", commit, "one")
    await repositories.tag(NAME, "deployed/1", commit, "two")
    assert (await repositories.history(NAME))[0].text == "one"
    with pytest.raises(RepositoryError, match=f"the tag 'deployed/1' is at commit {commit} already"):
        await repositories.tag(NAME, "deployed/1", first, "three")
    with pytest.raises(RepositoryError, match="is no tag of a configuration"):
        await repositories.tag(NAME, "-d", first, "four")


async def test_a_long_message_keeps_its_beginning_and_its_end(repositories: Repositories, manager: Manager) -> None:
    commit = await repositories.find(NAME, "main")
    await repositories.tag(NAME, "failed/1", commit, "it began" + "ü" * 50_000 + "it ended")
    text = (await repositories.history(NAME))[0].text
    assert text.startswith("it began")
    assert text.endswith("it ended")
    assert len(text.encode()) <= 16 * 1024


async def test_a_proposal_is_kept_by_its_tag(repositories: Repositories, manager: Manager, layout: Layout) -> None:
    commit = await repositories.take_in(NAME, manager.commit({"agent.toml": "new"}))
    assert in_applied(layout, "for-each-ref", "refs/hive") == f"{commit} commit\trefs/hive/held/{commit}"
    await repositories.tag(NAME, "proposal/1", commit, "x")
    assert in_applied(layout, "for-each-ref", "refs/hive") == ""
    in_applied(layout, "gc", "--quiet", "--prune=now")
    assert await repositories.read(NAME, commit) == {"agent.toml": b"new"}


@pytest.mark.parametrize(
    ("ref", "words"),
    [
        ("deployed/7", "there is no 'deployed/7' in what was applied of 'alice'"),
        ("feed", "there is no commit 'feed' in what was applied"),
        ("--all", "'--all' names no commit: give a tag such as 'deployed/3', 'main', or hex digits"),
    ],
)
async def test_what_is_not_found_is_said(repositories: Repositories, manager: Manager, ref: str, words: str) -> None:
    with pytest.raises(RepositoryError, match=words):
        await repositories.find(NAME, ref)


async def test_without_git_it_is_said_how_to_get_it(
    repositories: Repositories, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(RepositoryError, match=r"git is not installed, .*: apt install git"):
        await repositories.make(NAME, None)


async def test_without_prlimit_all_works(
    reactor: Any, layout: Layout, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    git = shutil.which("git")
    assert git is not None
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "git").symlink_to(git)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    assert await Repositories(reactor, layout, lambda _: DEFAULT).make(NAME, None)


def git_name(kind: str, body: bytes) -> str:
    import hashlib

    return hashlib.sha1(f"{kind} {len(body)}\0".encode() + body).hexdigest()


async def test_at_most_so_many_steps_are_told(repositories: Repositories, manager: Manager, layout: Layout) -> None:
    commit = await repositories.find(NAME, "main")
    tags = "".join(f"create refs/tags/building/{number} {commit}\n" for number in range(MOST_ROWS + 10))
    subprocess.run(["git", "-C", str(layout.applied(NAME)), "update-ref", "--stdin"], input=tags.encode(), check=True)
    assert len(await repositories.history(NAME)) == MOST_ROWS
