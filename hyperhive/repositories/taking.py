"""A commit of a proposed repository, brought into an applied one over a quarantine: objects are data."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from attrs import define

from hyperhive.errors import RepositoryError
from hyperhive.layout import Layout
from hyperhive.repositories import objects, refs, tree
from hyperhive.repositories.git import Git, complaint
from hyperhive.repositories.naming import commit_of
from hyperhive.repositories.objects import Copied
from hyperhive.repositories.refs import HEX, quoted
from hyperhive.threads import in_thread

IN: Final = ".in-"
HELD: Final = "refs/hive/held/"
WANTED: Final = "refs/heads/wanted"

_SHA = re.compile(r"\b[0-9a-f]{40}\b")


@define(eq=False)
class Taking:
    """One commit on its way from `proposed` of that agent. Every method raises RepositoryError."""

    git: Git
    layout: Layout
    name: str
    quarantine: Path

    async def take(self, ref: str) -> str:
        """Bring the commit that `ref` names into `applied`, and all that it needs; the commit."""
        pointed = None if HEX.fullmatch(ref.lower()) else await self._pointed(ref)
        await self.git.run(self.quarantine, "init", "--quiet", "--bare", "--template=", "--initial-branch=main")
        copied = await in_thread(self.git.reactor, objects.copy, self.layout, self.name, self.quarantine / "objects")
        for pack in copied.packs:
            await self._index(pack)
        if pointed is not None:
            raise RepositoryError(await self._moving(ref, pointed))
        commit = await self._resolved(ref.lower(), copied)
        await self._check_history(commit, copied)
        await tree.read(self.git, self.quarantine, commit)
        await self._fetch(commit)
        await self._check_kept(commit)
        return commit

    @property
    def _shown(self) -> str:
        return f"the proposed repository of {self.name!r}"

    async def _pointed(self, ref: str) -> refs.Pointed:
        pointed = await in_thread(self.git.reactor, refs.look, self.layout, self.name, ref)
        if pointed is None:
            raise RepositoryError(
                f"{quoted(ref)} names no commit: give 4 to 40 hex digits of one (no branch or tag of "
                f"{self._shown} has that name)"
            )
        return pointed

    async def _moving(self, ref: str, pointed: refs.Pointed) -> str:
        """Why a branch or tag is not taken, and what would be."""
        commit = await self.git.resolved(self.quarantine, f"{pointed.sha}^{{commit}}")
        if commit is None:
            return (
                f"{quoted(ref)} is {pointed.what}; it points to {pointed.sha}, and that is no commit of {self._shown}"
            )
        return f"{quoted(ref)} is {pointed.what}, which may move; it is at {commit} now: ask for that"

    async def _index(self, pack: Path) -> None:
        outcome = await self.git.attempt(self.quarantine, "index-pack", "--threads=1", str(pack))
        if not outcome.succeeded:
            raise RepositoryError(f"{self._shown} holds a pack that can't be used: {self._words(complaint(outcome))}")

    async def _resolved(self, digits: str, copied: Copied) -> str:
        try:
            return await commit_of(self.git, self.quarantine, digits, self._shown)
        except RepositoryError as error:
            left = next((f"object {sha} {why}" for sha, why in copied.left.items() if sha.startswith(digits)), None)
            raise RepositoryError(f"{error} ({left})" if left else str(error)) from error

    async def _check_history(self, commit: str, copied: Copied) -> None:
        """Every object that the commit needs must be there: nothing is fetched from elsewhere."""
        outcome = await self.git.attempt(
            self.quarantine, "rev-list", "--objects", "--no-object-names", "--missing=print",
            "--end-of-options", commit, most_bytes=2**23,
        )  # fmt: skip
        missing = next((line[1:] for line in outcome.output.decode().splitlines() if line.startswith("?")), None)
        if missing is None and not outcome.succeeded:
            missing = next(iter(_SHA.findall(" ".join(outcome.complaints))), None)
            if missing is None:
                raise RepositoryError(f"the history of commit {commit} can't be followed: {complaint(outcome)}")
        if missing is not None:
            why = copied.left.get(missing, "is missing or damaged")
            raise RepositoryError(
                f"the history of commit {commit} is not whole in {self._shown}: object {missing} {why}"
            )

    async def _fetch(self, commit: str) -> None:
        """Fetch only what is reachable from the commit, each object checked."""
        await self.git.run(self.quarantine, "update-ref", WANTED, commit)
        outcome = await self.git.attempt(
            self.layout.applied(self.name), "fetch", "--quiet", "--no-tags", "--no-write-fetch-head",
            "--no-recurse-submodules", "--", str(self.quarantine), f"{WANTED}:{HELD}{commit}",
        )  # fmt: skip
        if not outcome.succeeded:
            raise RepositoryError(f"commit {commit} is not fit to be kept: {self._words(complaint(outcome))}")

    async def _check_kept(self, commit: str) -> None:
        """What came over is judged once more: in the quarantine an object may have lied about its name."""
        applied = self.layout.applied(self.name)
        try:
            await tree.read(self.git, applied, commit)
        except RepositoryError:
            await self.git.run(applied, "update-ref", "-d", HELD + commit)
            raise

    def _words(self, text: str) -> str:
        return text.replace(str(self.quarantine), self._shown)
