"""A tarball of a root tree, the source that unpacks it, and a tar that waits for a word."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred

from hyperhive.containers.image_source import ImageSource
from hyperhive.containers.tarball import Unpacked
from tests.containers.telling import Told

# In the place of tar: says that it has begun, and waits for a word before it does its work or fails.
SLOW_TAR = """#!/bin/sh
echo $$ >> {directory}/tars
echo begun > {directory}/told
read word < {directory}/go
test "$word" = on || exit 1
exec {tar} "$@"
"""


class Tarball:
    """A root tree and the tarball of it, with the source that unpacks it."""

    def __init__(self, reactor: Any, directory: Path, suffix: str = ".tar") -> None:
        self.reactor = reactor
        self.directory = directory
        self.content = directory / "content"
        self.path = directory / f"image{suffix}"
        self.unpacked = directory / "images"
        for name in ("etc", "home/agent", "usr/bin", "dev"):
            (self.content / name).mkdir(parents=True)
        (self.content / "etc/passwd").write_text("agent:x:1000:1000::/home/agent:/bin/sh\n")
        (self.content / "usr/bin/tool").write_text("tool")
        (self.content / "usr/bin/tool").chmod(0o4755)
        (self.content / "dev/null").touch()

    def pack(self, *options: str, version: str = "1", names: tuple[str, ...] = (".",)) -> Path:
        """Make the tarball anew, as another file."""
        (self.content / "version").write_text(version)
        new = self.path.with_name("new")
        subprocess.run(["tar", *options, "-C", str(self.content), "-cf", str(new), *names], check=True, timeout=30)
        new.replace(self.path)
        return self.path

    def source(self) -> ImageSource:
        return ImageSource(self.reactor, self.path, Unpacked(self.reactor, self.unpacked))

    def trees(self) -> list[str]:
        return sorted(path.name for path in self.unpacked.iterdir())


class SlowTar:
    """A tar that begins when it is called, says so, and goes on when it is told to."""

    def __init__(self, reactor: Any, directory: Path) -> None:
        self.directory = directory
        directory.mkdir()
        program = directory / "tar"
        program.write_text(SLOW_TAR.format(directory=directory, tar=shutil.which("tar")))
        program.chmod(0o755)
        os.mkfifo(directory / "go")
        self.told = Told(reactor, directory / "told")

    def go(self, word: str = "on") -> None:
        (self.directory / "go").write_text(f"{word}\n")

    @property
    def pids(self) -> list[int]:
        return [int(line) for line in (self.directory / "tars").read_text().split()]


async def tree(source: ImageSource) -> Path:
    async with source.held() as image:
        return image.root


def unpacking(source: ImageSource) -> Deferred[Path]:
    return Deferred.fromCoroutine(tree(source))
