"""`IRepositories` on the real git: nothing that an agent wrote is run, obeyed, or read where it lies but as data."""

from __future__ import annotations

import shutil
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import ClassVar, Final

from attrs import define, field
from twisted.internet import defer
from twisted.internet.defer import Deferred, DeferredLock
from twisted.logger import Logger
from zope.interface import implementer

from hyperhive.boundaries import IRepositories
from hyperhive.errors import RepositoryError
from hyperhive.layout import Layout
from hyperhive.repositories import files, housekeeping, seeding, tags, taking, tree
from hyperhive.repositories.git import Git, IReactor
from hyperhive.repositories.naming import commit_of
from hyperhive.repositories.refs import HEX, WHOLE, quoted
from hyperhive.repositories.taking import Taking
from hyperhive.threads import in_thread
from hyperhive.wire.records import ConfigEvent

MAIN: Final = "main"
TAKING_SECONDS: Final = 120.0
"""What taking in one commit may take in all."""
LARGEST_DIFF: Final = 160 * 1024
"""Bytes: however they have to be escaped, they fit on one line of the wire."""
PLAIN: Final = (
    "--no-ext-diff", "--no-textconv", "--no-color", "--no-renames", "--text", "--full-index", "--unified=3",
    "--diff-algorithm=myers", "--ignore-submodules=none", "--src-prefix=a/", "--dst-prefix=b/",
)  # fmt: skip
"""A diff that shows every changed byte: `--text` whatever an attribute calls binary, and no file as another's copy."""


@implementer(IRepositories)
@define(eq=False)
class Repositories:
    """The repositories of a hive's agents; `default` gives the files of a new agent's first commit."""

    _log: ClassVar[Logger] = Logger()

    _reactor: IReactor
    _layout: Layout
    _default: Callable[[str], Mapping[str, bytes]]
    _git: Git = field(init=False)
    _unlocked: set[str] = field(init=False, factory=set)
    _making: DeferredLock = field(init=False, factory=DeferredLock)
    _taking: defaultdict[str, DeferredLock] = field(init=False, factory=lambda: defaultdict(DeferredLock))
    _writing: defaultdict[str, DeferredLock] = field(init=False, factory=lambda: defaultdict(DeferredLock))

    def __attrs_post_init__(self) -> None:
        self._git = Git(self._reactor)

    async def make(self, name: str, owner: tuple[int, int] | None) -> str:
        # Of one at a time, as it takes away what was left of another; with nobody else's git in that agent's.
        async with self._making, self._writing[name]:
            applied = self._layout.applied(name)
            try:
                if not applied.is_dir():
                    await self._make_applied(name, applied)
                await self._unlock(name)
                await self._make_proposed(name, owner)
            except OSError as error:
                raise RepositoryError(f"the repositories of {name!r} can't be made: {error}") from error
            return await self.find(name, MAIN)

    async def _unlock(self, name: str) -> None:
        """Take away the locks that a git which was killed has left; before each time that one of ours writes."""
        every = name not in self._unlocked
        await in_thread(self._reactor, housekeeping.unlock, self._layout.applied(name), every=every)
        self._unlocked.add(name)

    async def remove(self, name: str) -> None:
        async with self._taking[name], self._writing[name]:
            for directory in (self._layout.applied(name), self._layout.deployed(name)):
                await in_thread(self._reactor, files.remove, directory)

    async def _make_applied(self, name: str, applied: Path) -> None:
        new = files.make_new(applied.parent)
        await seeding.fill_applied(self._git, new, name, self._default(name))
        if not await in_thread(self._reactor, files.put_in_place, new, applied, None):
            raise RepositoryError(f"{applied} can't be made: something else stands there")

    async def _make_proposed(self, name: str, owner: tuple[int, int] | None) -> None:
        place = self._layout.proposed(name)
        if not seeding.stands_empty(place):
            return
        # Beside what was applied: nobody else may write there, and it is on the same file system.
        new = files.make_new(self._layout.applications)
        await seeding.fill_proposed(self._git, new, self._layout, name, mounted=owner is not None)
        if not await in_thread(self._reactor, files.put_in_place, new, place, owner):
            self._log.warn("{place} is left as it is: something else was put in its place", place=place)

    async def take_in(self, name: str, ref: str) -> str:
        applied = self._applied(name)
        async with self._taking[name]:
            async with self._writing[name]:
                await self._unlock(name)
                await housekeeping.check_room(self._git, applied, name)
            taken = Deferred.fromCoroutine(self._take_in(name, ref))
            try:
                return await taken.addTimeout(TAKING_SECONDS, self._reactor)
            except defer.TimeoutError as error:
                raise RepositoryError(
                    f"to take in commit {quoted(ref)} took longer than {TAKING_SECONDS:g} seconds; "
                    f"a smaller repository goes faster: 'git gc' packs it"
                ) from error

    async def _take_in(self, name: str, ref: str) -> str:
        try:
            # No name has a point: nobody else's quarantine ends like that.
            quarantine = await in_thread(
                self._reactor, files.make_new, self._layout.applications, taking.IN, f".{name}"
            )
        except OSError as error:
            raise RepositoryError(f"there is no room to take a commit in: {error}") from error
        try:
            return await Taking(self._git, self._layout, name, quarantine).take(ref)
        finally:
            await in_thread(self._reactor, shutil.rmtree, quarantine, ignore_errors=True)

    async def let_go(self, name: str, commit: str) -> None:
        async with self._writing[name]:
            await self._unlock(name)
            await self._git.run(self._applied(name), "update-ref", "-d", taking.HELD + _whole(commit))

    async def find(self, name: str, ref: str) -> str:
        shown = f"what was applied of {name!r}"
        if HEX.fullmatch(ref.lower()):
            return await commit_of(self._git, self._applied(name), ref.lower(), shown)
        if ref != MAIN and not tags.SHAPE.fullmatch(ref):
            raise RepositoryError(
                f"{quoted(ref)} names no commit: give a tag such as 'deployed/3', 'main', or hex digits"
            )
        full = seeding.BRANCH if ref == MAIN else f"refs/tags/{ref}"
        found = await self._git.resolved(self._applied(name), f"{full}^{{commit}}")
        if found is None:
            raise RepositoryError(f"there is no {ref!r} in {shown}; its history shows which tags there are")
        return found

    async def read(self, name: str, commit: str) -> Mapping[str, bytes]:
        return {file.path: file.data for file in await self._files(name, commit)}

    async def write_out(self, name: str, commit: str) -> Path:
        directory = self._layout.deployed(name) / _whole(commit)
        async with self._writing[name]:
            if not directory.is_dir():
                await in_thread(self._reactor, files.write_out, directory, await self._files(name, commit))
        return directory

    async def diff(self, name: str, base: str, commit: str) -> str:
        words = ("diff", *PLAIN, "--end-of-options", _whole(base), _whole(commit), "--")
        output = await self._git.run(self._applied(name), *words, most_bytes=LARGEST_DIFF + 1)
        if len(output) > LARGEST_DIFF:
            raise RepositoryError(
                f"the diff between {base} and {commit} is larger than {LARGEST_DIFF} bytes, more than a person can "
                "agree to: change less at once"
            )
        return output.decode(errors="backslashreplace")

    async def tag(self, name: str, tag: str, commit: str, message: str) -> None:
        async with self._writing[name]:
            await self._unlock(name)
            await tags.add(self._git, self._applied(name), tag, _whole(commit), message)

    async def move(self, name: str, commit: str) -> None:
        async with self._writing[name]:
            await self._unlock(name)
            await self._git.run(self._applied(name), "update-ref", seeding.BRANCH, _whole(commit))
            try:
                await in_thread(self._reactor, files.keep_only, self._layout.deployed(name), commit)
            except RepositoryError as error:
                self._log.error("files of earlier commits of {name} stay: {error}", name=name, error=error)

    async def history(self, name: str, step: str | None = None) -> Sequence[ConfigEvent]:
        return await tags.history(self._git, self._applied(name), step)

    async def _files(self, name: str, commit: str) -> Sequence[tree.File]:
        return await tree.read(self._git, self._applied(name), _whole(commit))

    def _applied(self, name: str) -> Path:
        applied = self._layout.applied(name)
        if not applied.is_dir():
            raise RepositoryError(f"{name!r} has no configuration repository yet: it is made for it first")
        return applied


def _whole(commit: str) -> str:
    if not WHOLE.fullmatch(commit):
        raise RepositoryError(f"{quoted(commit)} is no commit: one is named by all its 40 hex digits")
    return commit
