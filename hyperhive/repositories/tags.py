"""The tags of an applied repository: what has become of each commit, and when."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from hyperhive.errors import RepositoryError
from hyperhive.limits import MOST_ROWS
from hyperhive.repositories.git import Git
from hyperhive.repositories.taking import HELD
from hyperhive.wire.records import ConfigEvent

LONGEST_MESSAGE: Final = 16 * 1024
SHAPE = re.compile(r"[a-z]{1,20}/[0-9]{1,18}")
STEPS: Final = ("proposal", "denied", "cancelled", "approved", "building", "deployed", "failed")
"""In the order in which they are taken for one approval, where their second is the same."""

_FIELDS: Final = ("refname:strip=2", "*objectname", "objectname", "creatordate:unix", "contents")


async def add(git: Git, repository: Path, tag: str, commit: str, message: str) -> None:
    """Tag that commit, unless it is so already. Raises RepositoryError, also where the tag is at another commit."""
    if not SHAPE.fullmatch(tag):
        raise RepositoryError(f"{tag!r} is no tag of a configuration: those are such as 'deployed/3'")
    at = await git.resolved(repository, f"refs/tags/{tag}^{{commit}}")
    if at not in (None, commit):
        raise RepositoryError(f"the tag {tag!r} is at commit {at} already, and can't be at {commit} too")
    if at is None:
        words = ("--annotate", "--no-sign", "--cleanup=verbatim", "--file=-", "--", tag, commit)
        await git.run(repository, "tag", *words, given=_bounded(message))
    if tag.startswith("proposal/"):
        await git.run(repository, "update-ref", "-d", HELD + commit)  # the tag keeps it from now on


async def history(git: Git, repository: Path, step: str | None) -> Sequence[ConfigEvent]:
    """What the tags tell, all or those of a step, newest first, MOST_ROWS at most. Raises RepositoryError."""
    form = "%00".join(f"%({field})" for field in _FIELDS) + "%00"
    words = (
        "--sort=-creatordate",
        f"--count={MOST_ROWS}",
        f"--format={form}",
        f"refs/tags/{step}" if step else "refs/tags",
    )
    output = await git.run(repository, "for-each-ref", *words, most_bytes=2 * MOST_ROWS * LONGEST_MESSAGE)
    parts = output.decode(errors="replace").split("\0")
    rows = zip(*(iter(parts),) * len(_FIELDS), strict=False)
    events = [
        ConfigEvent(tag=tag.lstrip("\n"), sha=peeled or sha, at=int(at or 0), text=text.strip())
        for tag, peeled, sha, at, text in rows
    ]
    return sorted(events, key=_order, reverse=True)


def _order(event: ConfigEvent) -> tuple[int, int, int]:
    step, _, number = event.tag.partition("/")
    return event.at, int(number) if number.isdigit() else -1, STEPS.index(step) if step in STEPS else -1


def _bounded(message: str) -> bytes:
    """A message as it is kept: without what git can't hold, and without its middle where it is long."""
    data = message.replace("\0", "\ufffd").encode(errors="replace")
    if len(data) > LONGEST_MESSAGE:
        head, tail = data[: LONGEST_MESSAGE // 4], data[-LONGEST_MESSAGE * 3 // 4 + 16 :]
        data = f"{head.decode(errors='ignore')}\n…\n{tail.decode(errors='ignore')}".encode()
    return data if data.endswith(b"\n") else data + b"\n"
