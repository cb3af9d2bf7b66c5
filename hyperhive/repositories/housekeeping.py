"""What keeps an applied repository usable: what nothing needs is given up, and locks that nobody holds."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Final

from hyperhive.errors import RepositoryError
from hyperhive.repositories.git import SECONDS, Git

MOST_KIB: Final = 256 * 1024
TIDY_KIB: Final = 32 * 1024
"""From here on it is tidied before more is taken in, where it has more than that in loose pieces."""
MOST_PACKS: Final = 20


async def check_room(git: Git, repository: Path, name: str) -> None:
    """Give up what nothing needs, where there is much; raises RepositoryError where still too much is there."""
    loose, packed, packs = await _sizes(git, repository)
    if loose > TIDY_KIB or packs > MOST_PACKS or loose + packed > MOST_KIB:
        await git.run(repository, "repack", "-a", "-d", "-q")
        await git.run(repository, "prune", "--expire=now")
        loose, packed, _ = await _sizes(git, repository)
    if loose + packed > MOST_KIB:
        raise RepositoryError(
            f"what was applied of {name!r} has grown to {(loose + packed) // 1024} MiB, and {MOST_KIB // 1024} are the "
            "most: destroy the agent with --purge and spawn it anew, which begins a new history"
        )


async def _sizes(git: Git, repository: Path) -> tuple[int, int, int]:
    """KiB of loose objects, KiB in packs, and how many packs."""
    output = await git.run(repository, "count-objects", "-v")
    told = dict(line.split(": ") for line in output.decode().splitlines())
    return int(told["size"]), int(told["size-pack"]), int(told["packs"])


def unlock(repository: Path, *, every: bool) -> None:
    """Take away git's lock files: `every`, or those that are older than any git of ours becomes."""
    oldest = time.time() - 2 * SECONDS
    for directory, below, names in os.walk(repository):
        below[:] = [name for name in below if name != "objects"]
        for name in names:
            lock = Path(directory, name)
            if name.endswith(".lock") and (every or lock.stat().st_mtime < oldest):
                lock.unlink(missing_ok=True)
