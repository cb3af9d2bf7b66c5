"""Commits whose files can't be kept: each is refused with what is wrong with it, and leaves nothing behind."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from hyperhive.errors import RepositoryError
from hyperhive.repositories.repositories import Repositories
from tests.repositories.hostile import Trap
from tests.repositories.manager import NAME

NAMES = {
    "not utf-8": (b"a\xffb", r"'a\\udcffb' is no UTF-8"),
    "line feed": (b"a\nb", r"'a\\nb' has U\+000A in its name, which can't be seen"),
    "escape": (b"a\x1b[2J", r"'a\\x1b\[2J' has U\+001B"),
    "delete": (b"a\x7f", r"has U\+007F"),
    "right to left": ("a\u202etxt".encode(), r"'a\\u202etxt' has U\+202E"),
    "isolate": ("a\u2066".encode(), r"has U\+2066"),
    "no width": ("agent\u200b.toml".encode(), r"has U\+200B"),
    "byte order mark": ("\ufeffa".encode(), r"has U\+FEFF"),
    "soft hyphen": ("a\u00ad".encode(), r"has U\+00AD"),
    "filler": ("\u3164".encode(), r"has U\+3164"),
    "blank pattern": ("\u2800".encode(), r"has U\+2800"),
    "variation": ("a\ufe0f".encode(), r"has U\+FE0F"),
    "tag": ("a\U000e0041".encode(), r"has U\+E0041"),
    "other space": ("a\u00a0".encode(), r"has U\+00A0"),
    "line separator": ("a\u2028".encode(), r"has U\+2028"),
    "private": ("a\ue000".encode(), r"has U\+E000"),
    "backslash": (b"..\\..\\x", r"has a backslash in its name"),
    "git": (b".git", r"'.git' is a name of git's own"),
    "GIT": (b".GIT", r"'.GIT' is a name of git's own"),
    "git with dots": (b".git. .", r"'.git. .' is a name of git's own"),
    "git with a space": (b".git ", r"is a name of git's own"),
    "git's short name": (b"GIT~1", r"'GIT~1' is a name of git's own"),
    "git's stream": (b".git::$INDEX_ALLOCATION", r"is a name of git's own"),
    "submodules": (b".gitmodules", r"'.gitmodules' can't be kept: submodules lead elsewhere"),
    "SUBMODULES": (b".GitModules", r"submodules lead elsewhere"),
    "up": (b"..", r"'..' can't be kept: its path is none"),
    "here": (b".", r"'.' can't be kept: its path is none"),
    "nothing": (b"", r"empty filename in tree entry"),
    "two at once": (b"../x", r"'../x' can't be kept: its path is none"),
    "inner slash": (b"a/b", r"'a/b' is there twice"),
    "long": (b"x" * 256, r"longer than 255 bytes"),
}


@pytest.mark.parametrize("name", NAMES)
async def test_an_odd_name_is_refused(repositories: Repositories, trap: Trap, name: str) -> None:
    odd, words = NAMES[name]
    await refused(repositories, trap.commit_of([("100644", odd, trap.blob(b"x"))]), words)
    if odd not in {b"", b".", b"..", b"../x", b"a/b"} and len(odd) < 256:
        inner = trap.tree([("100644", odd, trap.blob(b"x"))])
        await refused(repositories, trap.commit_of([("40000", b"inner", inner)]), "inner/")


@pytest.mark.parametrize(
    "name", ["a b", "-x", "Grüße", "日本語", "#a", "agent.toml~", ".gitignore", "git", "a:b", "'\""]
)
async def test_a_plain_name_is_not(repositories: Repositories, trap: Trap, name: str) -> None:
    commit = trap.commit_of([("100644", name.encode(), trap.blob(b"x"))])
    await repositories.take_in(NAME, commit)
    assert (await repositories.read(NAME, commit))[name] == b"x"
    assert (await repositories.write_out(NAME, commit) / name).read_bytes() == b"x"


def link(trap: Trap) -> str:
    return trap.commit_of([("120000", b"passwd", trap.blob(b"/etc/passwd"))])


def config_as_link(trap: Trap) -> str:
    return trap.manager.commit_tree(trap.tree([("120000", b"agent.toml", trap.blob(b"/etc/passwd"))]))


def link_and_directory(trap: Trap) -> str:
    inner = trap.tree([("100644", b"x", trap.blob(b"x"))])
    return trap.commit_of([("120000", b"out", trap.blob(bytes(trap.outside))), ("40000", b"out", inner)])


def submodule(trap: Trap) -> str:
    return trap.commit_of([("160000", b"sub", trap.neighbour())])


def group_writable(trap: Trap) -> str:
    return trap.commit_of([("100664", b"x", trap.blob(b"x"))])


def device(trap: Trap) -> str:
    return trap.commit_of([("20000", b"x", trap.blob(b"x"))])


def no_config(trap: Trap) -> str:
    return trap.manager.commit_tree(trap.tree([("100644", b"x", trap.blob(b"x"))]))


def nothing_at_all(trap: Trap) -> str:
    return trap.manager.commit_tree(trap.tree([]))


def config_is_a_directory(trap: Trap) -> str:
    return trap.manager.commit_tree(trap.tree([("40000", b"agent.toml", trap.tree([]))]))


def many(trap: Trap) -> str:
    blob = trap.blob(b"x")
    return trap.commit_of(("100644", b"%06d" % number, blob) for number in range(100_000))


def more_than_a_few(trap: Trap) -> str:
    blob = trap.blob(b"x")
    return trap.commit_of(("100644", b"%06d" % number, blob) for number in range(1000))


def many_by_repetition(trap: Trap) -> str:
    tree = trap.tree([("100644", b"x", trap.blob(b"x"))])
    for _ in range(20):
        tree = trap.tree([("40000", b"%d" % number, tree) for number in range(10)])
    return trap.commit_of([("40000", b"tree", tree)])


def deep(trap: Trap) -> str:
    tree = trap.tree([("100644", b"x", trap.blob(b"x"))])
    for _ in range(40):
        tree = trap.tree([("40000", b"d", tree)])
    return trap.commit_of([("40000", b"d", tree)])


def long_path(trap: Trap) -> str:
    tree = trap.tree([("100644", b"x", trap.blob(b"x"))])
    for _ in range(5):
        tree = trap.tree([("40000", b"d" * 250, tree)])
    return trap.commit_of([("40000", b"d", tree)])


def large(trap: Trap) -> str:
    return trap.files(much=b"x" * (1024 * 1024 + 1))


def large_together(trap: Trap) -> str:
    return trap.files(**{f"f{number}": b"x" * 1024 * 1024 for number in range(4)})


TABLE: dict[Callable[[Trap], str], str] = {
    link: "'passwd' is a symbolic link: only ordinary files and directories are kept",
    config_as_link: "'agent.toml' is a symbolic link",
    link_and_directory: "'out' is (there twice|a symbolic link)",
    submodule: "'sub' is a submodule",
    group_writable: "'x' is of mode 100664",
    device: "'x' is of mode 20000",
    no_config: "has no file 'agent.toml' at its top",
    nothing_at_all: "has no file 'agent.toml' at its top",
    config_is_a_directory: "has no file 'agent.toml' at its top",
    many: "the commit has more than 1000 files and directories",
    more_than_a_few: "the commit has more than 1000 files and directories",
    many_by_repetition: "the commit has more than 1000 files and directories",
    deep: "lies deeper than 32 directories",
    long_path: "has a path of 1[0-9]{3} bytes, and 1024 are the most",
    large: "'much' has 1048577 bytes, and a file may have 1048576",
    large_together: r"the files of the commit have 41943\d\d bytes, and all together may have 4194304",
}


@pytest.mark.deadline(10)
@pytest.mark.parametrize("arrange", TABLE, ids=lambda row: row.__name__)
async def test_a_tree_that_cant_be_kept_is_refused(
    repositories: Repositories, trap: Trap, arrange: Callable[[Trap], str]
) -> None:
    await refused(repositories, arrange(trap), TABLE[arrange])


async def test_the_very_most_is_not_too_much(repositories: Repositories, trap: Trap) -> None:
    files = {f"f{number}": bytes([number]) * 1024 * 1024 for number in range(3)}
    few = {f"g{number}": b"" for number in range(995)}
    commit = trap.files(**files, **few, last=b"x" * (1024 * 1024 - len(b"# the default\n")))
    assert len(await repositories.read(NAME, await repositories.take_in(NAME, commit))) == 1000


async def refused(repositories: Repositories, commit: str, words: str) -> None:
    with pytest.raises(RepositoryError, match=words) as raised:
        await repositories.take_in(NAME, commit)
    assert str(raised.value).isprintable()
    with pytest.raises(RepositoryError, match="there is no commit"):
        await repositories.find(NAME, commit)
