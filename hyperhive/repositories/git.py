"""The `git` program, in repositories of our own alone: no configuration but ours, no hook, bounded in all it takes."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from attrs import define
from twisted.internet.interfaces import IReactorThreads

from hyperhive.containers import commands
from hyperhive.containers.commands import Outcome
from hyperhive.errors import ContainerError, RepositoryError

SECONDS: Final = 60.0
MOST_BYTES: Final = 4 * 1024 * 1024
BOUNDS: Final = ("--cpu=20", f"--as={2**30}", f"--fsize={2**28}", "--core=0")
"""Processor seconds, address space, the largest file it writes: a hostile object must not cost more."""
IDENTITY: Final = ("hyperhive", "hyperhive@localhost")
EMPTY_TREE: Final = "4b825dc642cb6eb9a060e54bf8d69288fbee4904"
ENVIRONMENT: Final = {
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": "/dev/null",
    "GIT_ATTR_NOSYSTEM": "1",
    # Newer than 2.42 read the attributes of what HEAD is at, in a bare repository too: here nothing obeys any.
    "GIT_ATTR_SOURCE": EMPTY_TREE,
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_NO_REPLACE_OBJECTS": "1",
    "HOME": "/nonexistent",
    "LC_ALL": "C.UTF-8",
    **{
        f"GIT_{who}_{what}": word
        for who in ("AUTHOR", "COMMITTER")
        for what, word in zip(("NAME", "EMAIL"), IDENTITY, strict=True)
    },
}
SETTINGS: Final = {
    "core.hooksPath": "/dev/null",
    "core.fsync": "all",
    "core.bigFileThreshold": "1m",
    "core.quotePath": "false",
    "core.packedGitWindowSize": "16m",
    "core.packedGitLimit": "256m",
    "gc.auto": "0",
    "maintenance.auto": "false",
    "pack.threads": "1",
    "protocol.allow": "never",
    "protocol.file.allow": "always",
    "fetch.fsckObjects": "true",
    "transfer.fsckObjects": "true",
}


class IReactor(commands.IReactor, IReactorThreads):
    """What of a reactor the repositories need."""


@define(eq=False)
class Git:
    """Runs git in a repository that nobody but us writes. Every method raises RepositoryError."""

    reactor: IReactor

    async def run(
        self,
        repository: Path,
        *words: str,
        given: bytes = b"",
        most_bytes: int = MOST_BYTES,
        environment: Mapping[str, str] | None = None,
    ) -> bytes:
        """What git printed, the first `most_bytes` of it; a failure is told with git's complaint."""
        outcome = await self.attempt(repository, *words, given=given, most_bytes=most_bytes, environment=environment)
        if not outcome.succeeded:
            raise RepositoryError(f"'git {words[0]}' failed: {complaint(outcome)}")
        return outcome.output

    async def resolved(self, repository: Path, what: str) -> str | None:
        """The object that `what` names, in git's own way of naming; None if there is none."""
        found = await self.attempt(repository, "rev-parse", "--verify", "--quiet", what)
        return found.output.decode().strip() if found.succeeded else None

    async def attempt(
        self,
        repository: Path,
        *words: str,
        given: bytes = b"",
        most_bytes: int = MOST_BYTES,
        environment: Mapping[str, str] | None = None,
    ) -> Outcome:
        """How git ended, well or not."""
        try:
            return await commands.attempt(
                self.reactor,
                *bounded(),
                *(word for key, value in SETTINGS.items() for word in ("-c", f"{key}={value}")),
                f"--git-dir={repository}",
                *words,
                given=given,
                seconds=SECONDS,
                most_bytes=most_bytes,
                keep="first",
                environment={**ENVIRONMENT, **(environment or {})},
            )
        except ContainerError as error:
            raise RepositoryError(f"'git {words[0]}' could not be run to its end: {error}") from error


def bounded() -> Sequence[str]:
    """The words that start git, within bounds where the host has `prlimit`. Raises RepositoryError without a git."""
    git = shutil.which("git")
    if git is None:
        raise RepositoryError(
            "git is not installed, and configurations are commits; on Debian and Ubuntu: apt install git"
        )
    prlimit = shutil.which("prlimit")
    return (prlimit, *BOUNDS, "--", git) if prlimit else (git,)


def complaint(outcome: Outcome) -> str:
    """Why git failed, by its own words: the first that it calls an error, for what follows is of its consequences.

    That a program of git's own "died", and that another one therefore is "aborting", are such consequences too, yet may
    come first, by another way than the reason.
    """
    lines = [line.removeprefix("remote: ") for line in outcome.complaints]
    alarms = [line for line in lines if line.startswith(("error: ", "fatal: "))]
    reasons = [line for line in alarms if not line.endswith("died with error.") and ": aborting due to " not in line]
    if not lines:
        return "it was ended by a bound on what it may take, or did not say why"
    return (reasons or alarms or lines)[0].removeprefix("error: ").removeprefix("fatal: ")
