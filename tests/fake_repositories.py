"""Repositories in memory, in the place of those of git."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

from zope.interface import implementer
from zope.interface.verify import verifyClass

from hyperhive.boundaries import IRepositories
from hyperhive.errors import RepositoryError
from hyperhive.layout import Layout
from hyperhive.wire.records import ConfigEvent
from tests.fakes import NOW


@implementer(IRepositories)
class FakeRepositories:
    """Repositories in memory, but for the files that are written out.

    `proposed` and `applied`: by the agents' names, each commit's files; `tags`: (name, tag) to commit and message;
    `faults`: what a verb raises; `calls`: what changed something, in order.
    """

    layout: Layout

    def __init__(self) -> None:
        self.proposed: dict[str, dict[str, dict[str, bytes]]] = {}
        self.applied: dict[str, dict[str, dict[str, bytes]]] = {}
        self.mains: dict[str, str] = {}
        self.tags: dict[tuple[str, str], tuple[str, str]] = {}
        self.faults: dict[str, Exception] = {}
        self.calls: list[tuple[str, ...]] = []

    def commit(self, name: str, text: str) -> str:
        """A new commit in `proposed` whose `agent.toml` is that text."""
        commit = hashlib.sha1(f"{name} {text}".encode(), usedforsecurity=False).hexdigest()
        self.proposed.setdefault(name, {})[commit] = {"agent.toml": text.encode()}
        return commit

    async def make(self, name: str, owner: tuple[int, int] | None) -> str:
        self._do("make", name)
        if name not in self.mains:
            self.layout.applied(name).mkdir(parents=True)
            commit = self.commit(name, "")
            self.applied.setdefault(name, {})[commit] = self.proposed[name][commit]
            self.tags[name, "deployed/0"] = commit, "the first"
            self.mains[name] = commit
        return self.mains[name]

    async def take_in(self, name: str, ref: str) -> str:
        self._do("take_in", name, ref)
        (commit,) = [commit for commit in self.proposed[name] if commit.startswith(ref)]
        self.applied[name][commit] = self.proposed[name][commit]
        return commit

    async def let_go(self, name: str, commit: str) -> None:
        self._do("let_go", name, commit)

    async def find(self, name: str, ref: str) -> str:
        if (name, ref) in self.tags:
            return self.tags[name, ref][0]
        for commit in self.applied[name]:
            if commit.startswith(ref):
                return commit
        raise RepositoryError(f"there is no {ref}")

    async def read(self, name: str, commit: str) -> Mapping[str, bytes]:
        return self.applied[name][commit]

    async def write_out(self, name: str, commit: str) -> Path:
        self._do("write_out", name, commit)
        directory = self.layout.deployed(name) / commit
        directory.mkdir(parents=True, exist_ok=True)
        for path, content in self.applied[name][commit].items():
            (directory / path).write_bytes(content)
        return directory

    async def diff(self, name: str, base: str, commit: str) -> str:
        before, after = self.applied[name][base], self.applied[name][commit]
        return "" if before == after else f"-{before}\n+{after}\n"

    async def tag(self, name: str, tag: str, commit: str, message: str) -> None:
        self._do("tag", name, tag)
        at, _ = self.tags.setdefault((name, tag), (commit, message))
        if at != commit:
            raise RepositoryError(f"the tag {tag!r} is at commit {at} already, and can't be at {commit} too")

    async def move(self, name: str, commit: str) -> None:
        self._do("move", name, commit)
        self.mains[name] = commit

    async def remove(self, name: str) -> None:
        self._do("remove", name)
        self.applied.pop(name, None)
        self.mains.pop(name, None)
        self.tags = {key: told for key, told in self.tags.items() if key[0] != name}
        for directory in (self.layout.applied(name), self.layout.deployed(name)):
            shutil.rmtree(directory, ignore_errors=True)

    async def history(self, name: str, step: str | None = None) -> Sequence[ConfigEvent]:
        tags = [(tag, *told) for (whose, tag), told in self.tags.items() if whose == name]
        tags = [one for one in tags if step in (None, one[0].partition("/")[0])]
        return [ConfigEvent(tag=tag, sha=commit, at=NOW, text=text) for tag, commit, text in reversed(tags)]

    def tags_of(self, name: str) -> list[str]:
        """The names of the agent's tags, oldest first."""
        return [tag for whose, tag in self.tags if whose == name]

    def _do(self, verb: str, *what: str) -> None:
        self.calls.append((verb, *what))
        if verb in self.faults:
            raise self.faults[verb]


verifyClass(IRepositories, FakeRepositories)
