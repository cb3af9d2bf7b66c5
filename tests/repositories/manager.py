"""A stand-in for the manager, who writes the proposed repository."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

from attrs import define, field

NAME = "alice"
DEFAULT = {"agent.toml": b"# the default\n"}
WHO = {f"GIT_{who}_{what}": "manager@localhost" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}


@define(eq=False)
class Manager:
    """Works in the proposed repository, with git as anybody has it."""

    work: Path
    environment: Mapping[str, str] = field(factory=lambda: {**os.environ, **WHO, "GIT_CONFIG_GLOBAL": "/dev/null"})

    def git(self, *words: str, given: bytes = b"") -> str:
        done = subprocess.run(
            ["git", "-C", str(self.work), *words], input=given, capture_output=True, env=self.environment, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.decode(errors="replace").strip()

    def write(self, path: str, data: bytes | str) -> None:
        file = self.work / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(data.encode() if isinstance(data, str) else data)

    def commit(self, files: Mapping[str, bytes | str] | None = None, message: str = "change") -> str:
        """Commit those files beside what is there; the commit."""
        for path, data in (files or {}).items():
            self.write(path, data)
        self.git("add", "--all", "--force")
        self.git("commit", "--quiet", "--allow-empty", "--no-verify", "--message", message)
        return self.git("rev-parse", "HEAD")

    def object(self, kind: str, data: bytes) -> str:
        """Store an object that git itself would not make; its name."""
        return self.git("hash-object", "-w", "--literally", "-t", kind, "--stdin", given=data)

    def commit_tree(self, tree: str, *words: str) -> str:
        """Commit a tree, whatever is in it; the commit."""
        return self.git("commit-tree", tree, "-m", "odd", *words)

    def loose(self, sha: str) -> Path:
        return self.work / ".git" / "objects" / sha[:2] / sha[2:]
