"""The two repositories of an agent, made: the applied one of the default configuration, the proposed one of that."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from hyperhive.layout import Layout
from hyperhive.repositories.git import IDENTITY, Git
from hyperhive.wire.names import MANAGER

BRANCH: Final = "refs/heads/main"
FIRST: Final = "the default configuration"


async def fill_applied(git: Git, new: Path, name: str, files: Mapping[str, bytes]) -> None:
    """Make a bare repository there, with one commit on `main`, tagged `deployed/0`. Raises RepositoryError."""
    await git.run(new, "init", "--quiet", "--bare", "--template=", "--initial-branch=main", "--shared=0644")
    identity = "{} <{}> now".format(*IDENTITY)
    message = f"{name}: {FIRST}\n".encode()
    stream = [f"commit {BRANCH}\ncommitter {identity}\ndata {len(message)}\n".encode(), message]
    for path, data in files.items():
        stream += [f"M 100644 inline {path}\ndata {len(data)}\n".encode(), data, b"\n"]
    await git.run(new, "fast-import", "--quiet", "--date-format=now", "--done", given=b"".join([*stream, b"done\n"]))
    await git.run(new, "tag", "--annotate", "--message", FIRST, "--", "deployed/0", BRANCH)
    new.chmod(0o755)


async def fill_proposed(git: Git, new: Path, layout: Layout, name: str, *, mounted: bool) -> None:
    """Make an ordinary repository in that empty directory, checked out at what `main` is at. Raises RepositoryError.

    `mounted`: its writer sees the applied repository at `/applied/<name>`, and not where it is on the host.
    """
    applied = layout.applied(name)
    repository = new / ".git"
    settings = {
        "core.bare": "false",
        "user.name": MANAGER,
        "user.email": f"{MANAGER}@localhost",
        "remote.applied.url": f"/applied/{name}" if mounted else str(applied),
        "remote.applied.fetch": "+refs/heads/*:refs/remotes/applied/*",
    }
    await git.run(repository, "init", "--quiet", "--template=", "--initial-branch=main")
    for key, value in settings.items():
        await git.run(repository, "config", "--", key, value)
    await git.run(
        repository, "fetch", "--quiet", "--no-tags", "--no-write-fetch-head", "--", str(applied),
        f"{BRANCH}:refs/remotes/applied/main",
    )  # fmt: skip
    work = {"GIT_WORK_TREE": str(new)}
    await git.run(repository, "reset", "--quiet", "--hard", "refs/remotes/applied/main", environment=work)
    new.chmod(0o700)


def stands_empty(place: Path) -> bool:
    """Whether nothing is there, or an empty directory, so that something can be put in its place."""
    if place.is_symlink():
        return False
    try:
        with os.scandir(place) as entries:
            return next(entries, None) is None
    except FileNotFoundError:
        return True
    except OSError:  # whatever stands there, it is the manager's own affair
        return False
