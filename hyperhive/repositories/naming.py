"""Which commit somebody means, in a repository of our own."""

from __future__ import annotations

from pathlib import Path

from hyperhive.errors import RepositoryError
from hyperhive.repositories.git import Git, complaint
from hyperhive.repositories.refs import quoted


async def commit_of(git: Git, repository: Path, digits: str, shown: str) -> str:
    """The one commit whose name begins with those 4 to 40 hex digits; `shown` is the repository in a refusal.

    Raises RepositoryError.
    """
    found = await git.attempt(repository, "rev-parse", f"--disambiguate={digits}")
    if not found.succeeded:
        raise RepositoryError(f"there is no sound commit {quoted(digits)} in {shown}: {complaint(found)}")
    kinds = (await git.run(repository, "cat-file", "--batch-check", given=found.output)).decode().splitlines()
    objects = {line.split(" ")[0]: line.split(" ")[1] for line in kinds}
    commits = [sha for sha, kind in objects.items() if kind == "commit"]
    if len(commits) == 1:
        return commits[0]
    if commits:
        raise RepositoryError(
            f"{quoted(digits)} could be any of {len(commits)} commits of {shown}: give more digits of it"
        )
    if kind := next((kind for kind in objects.values() if kind != "missing"), None):
        raise RepositoryError(f"{quoted(digits)} is a {kind} in {shown}, and no commit: give the digits of a commit")
    raise RepositoryError(f"there is no commit {quoted(digits)} in {shown}; 'git log' there shows which there are")
