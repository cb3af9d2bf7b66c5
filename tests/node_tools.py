"""Programs from the npm registry that tests use, each in a folder below `build/` that later runs find again.

`python -m tests.node_tools` fetches them all, and prints where they are.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

CACHE = Path(__file__).parent.parent / "build" / "node"
INSPECTOR = ("@modelcontextprotocol/inspector", "0.15.0")
CLAUDE = ("@anthropic-ai/claude-code", "2.1.330")
AXE = ("axe-core", "4.14.1")
TOOLS = (INSPECTOR, CLAUDE, AXE)
"""Name and version of each. This inspector runs on node 20; later ones ask for 22.19."""

FETCHING = 300.0
"""Seconds that npm may take."""


class Missing(Exception):
    """It can't be had here; the text says why."""


def npm_install(package: str, version: str) -> Path:
    """The folder where that version is installed, fetched if it is not there yet. Raises Missing."""
    place = CACHE / f"{package.replace('/', '-').lstrip('@')}-{version}"
    if not place.is_dir():
        CACHE.mkdir(parents=True, exist_ok=True)
        with _alone(place.with_name(place.name + ".lock")):
            if not place.is_dir():
                _fetch(f"{package}@{version}", place)
    return place


def required(package: str, version: str) -> Path:
    """That version's folder; where it can't be had the test is skipped, and failed if `CI` is set."""
    try:
        return npm_install(package, version)
    except Missing as reason:
        if os.environ.get("CI"):
            pytest.fail(f"{package} {version}: {reason}")
        pytest.skip(f"{package} {version}: {reason}")


def _fetch(what: str, place: Path) -> None:
    npm = shutil.which("npm")
    if npm is None or shutil.which("node") is None:
        raise Missing("there is no node and npm here; on Debian: apt install nodejs npm")
    with tempfile.TemporaryDirectory(prefix="fetching-", dir=CACHE) as scratch:
        done = subprocess.run(
            [
                npm,
                "install",
                f"--prefix={scratch}",
                "--no-audit",
                "--no-fund",
                "--ignore-scripts",
                "--loglevel=error",
                what,
            ],
            capture_output=True,
            text=True,
            timeout=FETCHING,
            check=False,
        )
        if done.returncode:
            *_, complaint = ("npm said nothing", *done.stderr.strip().splitlines())
            raise Missing(f"npm could not install it: {complaint}")
        (whole := Path(scratch) / "whole").mkdir()
        for made in ("node_modules", "package.json", "package-lock.json"):
            (Path(scratch) / made).rename(whole / made)
        whole.rename(place)


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    """One at a time, among all processes."""
    with path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def main() -> int:
    """Fetch all of them; the exit status."""
    try:
        for package, version in TOOLS:
            print(npm_install(package, version))
    except Missing as reason:
        print(f"{reason}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
