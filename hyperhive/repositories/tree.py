"""The files of a commit: which there are and whether they may be, then what is in them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from attrs import frozen

from hyperhive.errors import RepositoryError
from hyperhive.repositories import paths
from hyperhive.repositories.git import Git, complaint

CONFIG: Final = b"agent.toml"
MOST_FILES: Final = 1000
LARGEST_FILE: Final = 1024 * 1024
MOST_BYTES: Final = 4 * 1024 * 1024
MOST_DEPTH: Final = 32

_DIRECTORY, _FILE, _EXECUTABLE = b"40000", b"100644", b"100755"
_ODD: Final = {b"120000": "a symbolic link", b"160000": "a submodule"}


@frozen(kw_only=True)
class Entry:
    """One file or directory: its path from the top, git's mode, and the object that it is in."""

    path: bytes
    mode: bytes
    sha: str


@frozen(kw_only=True)
class File:
    """One file of a commit."""

    path: str
    data: bytes
    executable: bool


async def read(git: Git, repository: Path, commit: str) -> Sequence[File]:
    """Every file of the commit by path; names and sizes are judged before a byte is read. Raises RepositoryError."""
    entries = await _entries(git, repository, commit)
    if not any(entry.path == CONFIG for entry in entries):
        raise RepositoryError(
            f"commit {commit} has no file {CONFIG.decode()!r} at its top: it must say the configuration"
        )
    await _weigh(git, repository, entries)
    objects = await _objects(git, repository, [entry.sha for entry in entries], b"blob", MOST_BYTES)
    return sorted(
        (
            File(path=entry.path.decode(), data=data, executable=entry.mode == _EXECUTABLE)
            for entry, data in zip(entries, objects, strict=True)
        ),
        key=lambda file: file.path,
    )


async def _entries(git: Git, repository: Path, commit: str) -> Sequence[Entry]:
    """The files of the commit, level by level: a tree that holds another many times costs no more than it may."""
    root = await git.resolved(repository, f"{commit}^{{tree}}")
    if root is None:
        raise _missing(commit)
    level = [Entry(path=b"", mode=_DIRECTORY, sha=root)]
    found: dict[bytes, Entry] = {}
    for _ in range(MOST_DEPTH):
        shas = tuple(dict.fromkeys(entry.sha for entry in level))
        trees = dict(zip(shas, await _objects(git, repository, shas, b"tree", MOST_BYTES), strict=True))
        level = [
            entry
            for outer in level
            for entry in _judged(outer.path, trees[outer.sha], found)
            if entry.mode == _DIRECTORY
        ]
        if not level:
            return [entry for entry in found.values() if entry.mode != _DIRECTORY]
    raise RepositoryError(f"{paths.shown(level[0].path)} lies deeper than {MOST_DEPTH} directories: put it higher")


def _judged(outer: bytes, tree: bytes, found: dict[bytes, Entry]) -> Iterator[Entry]:
    for mode, name, sha in _parsed(tree):
        path = outer + b"/" + name if outer else name
        if len(found) >= MOST_FILES:
            raise _too_many()
        if objection := paths.objection(path):
            raise RepositoryError(objection)
        if b"/" in name or path in found:
            raise RepositoryError(f"{paths.shown(path)} is there twice: a path names one file")
        if mode not in {_DIRECTORY, _FILE, _EXECUTABLE}:
            what = _ODD.get(mode, f"of mode {mode.decode(errors='replace')}")
            raise RepositoryError(f"{paths.shown(path)} is {what}: only ordinary files and directories are kept")
        entry = found[path] = Entry(path=path, mode=mode, sha=sha)
        yield entry


def _parsed(tree: bytes) -> Iterator[tuple[bytes, bytes, str]]:
    """Mode, name and object of each entry of a tree as git stores it. Raises RepositoryError."""
    position = 0
    while position < len(tree):
        mode, space, _ = tree[position : position + 8].partition(b" ")
        end = tree.find(b"\0", position)
        if not space or end < 0 or end + 21 > len(tree):
            raise RepositoryError("a directory of the commit is damaged; 'git fsck' tells more")
        yield mode, tree[position + len(mode) + 1 : end], tree[end + 1 : end + 21].hex()
        position = end + 21


async def _weigh(git: Git, repository: Path, entries: Sequence[Entry]) -> None:
    lines = "".join(f"{entry.sha}\n" for entry in entries).encode()
    answers = (await git.run(repository, "cat-file", "--batch-check", given=lines)).decode().splitlines()
    total = 0
    for entry, answer in zip(entries, answers, strict=True):
        _, kind, *size = answer.split(" ")
        if kind != "blob":
            raise _missing(entry.sha)
        total += int(size[0])
        if int(size[0]) > LARGEST_FILE:
            raise RepositoryError(f"{paths.shown(entry.path)} has {size[0]} bytes, and a file may have {LARGEST_FILE}")
    if total > MOST_BYTES:
        raise RepositoryError(f"the files of the commit have {total} bytes, and all together may have {MOST_BYTES}")


async def _objects(git: Git, repository: Path, shas: Sequence[str], kind: bytes, most: int) -> Sequence[bytes]:
    """What is in each of the objects, of which all are of that kind. Raises RepositoryError."""
    lines = "".join(f"{sha}\n" for sha in shas).encode()
    heads = 64 * len(shas)
    outcome = await git.attempt(repository, "cat-file", "--batch", given=lines, most_bytes=most + heads)
    if not outcome.succeeded:
        damaged = next((sha for sha in shas if sha in " ".join(outcome.complaints)), None)
        raise _missing(damaged) if damaged else RepositoryError(f"'git cat-file' failed: {complaint(outcome)}")
    output = outcome.output
    found, position = [], 0
    for sha in shas:
        end = output.find(b"\n", position)
        words = output[position:end].split(b" ")
        if end < 0 or position + 40 > len(output):
            raise _too_many()
        if words[1:2] != [kind]:
            raise _missing(sha)
        size = int(words[2])
        if end + 1 + size >= len(output):
            raise _too_many()
        found.append(output[end + 1 : end + 1 + size])
        position = end + 2 + size
    return found


def _missing(sha: str) -> RepositoryError:
    return RepositoryError(f"object {sha} of the commit is missing or damaged; 'git fsck' tells more")


def _too_many() -> RepositoryError:
    return RepositoryError(f"the commit has more than {MOST_FILES} files and directories, which are the most")
