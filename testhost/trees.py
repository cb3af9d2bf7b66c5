"""The two Debian trees: what the host boots from, and what agents are made of; each built once and then only read."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from testhost.errors import Failed, TookTooLong
from testhost.sealed import Sealed

SUITES = ("bookworm", "trixie")
SECONDS = 15 * 60
REPORT_EVERY = 10.0
KEPT_UNUSED = 7 * 24 * 3600


PROJECT = Path(__file__).resolve().parent.parent
TREE = "TREE"


@dataclass(frozen=True)
class Recipe:
    """How a tree is made: commands, in which TREE stands for its directory, and the files that they depend on."""

    name: str
    commands: tuple[tuple[str, ...], ...]
    sources: tuple[Path, ...] = ()

    @property
    def key(self) -> str:
        """What the directory of the finished tree is called: another recipe, another directory."""
        what = hashlib.sha256(json.dumps(self.commands).encode())
        for source in self.sources:
            what.update(source.read_bytes())
        return f"{self.name}-{what.hexdigest()[:16]}"


HOST_PACKAGES = (
    *("systemd", "systemd-sysv", "dbus", "systemd-container", "libpam-systemd", "libnss-mymachines"),
    *("iproute2", "iputils-ping", "nftables", "procps", "strace", "git", "btrfs-progs", "python3"),
    # debootstrap knows no virtual packages: libdbi-perl stands for one that nix-bin needs.
    *("libdbi-perl", "nix-bin", "nix-setup-systemd"),
)
# What it is made by, but not the rest of hyperhive: each run puts its own into a copy.
AGENT = Recipe(
    "agent",
    (("hivectl", "image", "build", TREE),),
    (PROJECT / "setup.cfg", *sorted(PROJECT.glob("hyperhive/images/*.py"))),
)


def host(suite: str) -> Recipe:
    """The recipe of the tree that a host of that Debian boots from."""
    return Recipe("host", (("debootstrap", "--variant=minbase", f"--include={','.join(HOST_PACKAGES)}", suite, TREE),))


def tree(recipe: Recipe, cache: Path) -> Path:
    """The finished tree of `recipe` under `cache`, built now if it is not there; one run builds, others wait for it.

    Raises Failed with the last words of what failed.
    """
    finished = cache / recipe.key
    with _alone(cache):
        if not finished.exists():
            _remove_unused(cache)
            _build(recipe, cache, finished)
        os.utime(finished)
    return finished


def agent_image(image: Path, target: Path) -> None:
    """Make `target` the tree `image` with this checkout's hyperhive in it; other files are shared: only read them."""
    copy = ["cp", "--archive", "--link", str(image), str(target)]
    subprocess.run(copy, check=True)
    (installed,) = target.glob("opt/hyperhive/lib/python3*/site-packages/hyperhive")
    shutil.rmtree(installed)
    shutil.copytree(PROJECT / "hyperhive", installed, ignore=shutil.ignore_patterns("__pycache__"))


def _build(recipe: Recipe, cache: Path, finished: Path) -> None:
    """Build under another name and rename: what was cut short is never taken for finished."""
    building = cache / f"{recipe.key}.building"
    shutil.rmtree(building, ignore_errors=True)
    log = cache / f"{recipe.name}.log"
    _say(f"building the {recipe.name} tree (once: it stays in {cache})")
    for command in recipe.commands:
        _run([str(building) if word == TREE else word for word in command], log)
    building.rename(finished)


def _run(command: list[str], log: Path) -> None:
    """Run `command` to its end, telling now and then how far it is; all that it says is in `log`."""
    begun = time.monotonic()
    end = begun + SECONDS
    with log.open("wb") as output, Sealed(command, output=output, path=f"{sys.prefix}/bin") as program:
        while (status := program.wait(REPORT_EVERY)) is None:
            _say(f"{time.monotonic() - begun:4.0f} s  {_last_line(log)}")
            if time.monotonic() > end:
                late = f"{command[0]} was not done after {SECONDS // 60} minutes"
                raise TookTooLong(f"{late}; its last line: {_last_line(log)}")
        if status:
            raise Failed(f"{command[0]} failed with status {status}; its last line: {_last_line(log)}")


def _remove_unused(cache: Path) -> None:
    """Remove trees that nobody asked for lately; a run that uses one is not that old."""
    for path in _trees(cache):
        if time.time() - path.stat().st_mtime > KEPT_UNUSED:
            shutil.rmtree(path)


def _trees(cache: Path) -> list[Path]:
    """The trees under `cache`, and what builds that were cut short have left."""
    return [path for pattern in ("host-*", "agent-*", ".agent-*") for path in cache.glob(pattern)]


@contextmanager
def _alone(cache: Path) -> Iterator[None]:
    """Hold the cache's lock; whoever waits for it says so."""
    cache.mkdir(parents=True, exist_ok=True)
    lock = os.open(cache / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            _say("waiting for another run that builds")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        os.close(lock)


def _last_line(log: Path) -> str:
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    return lines[-1].strip() if lines else "none yet"


def _say(words: str) -> None:
    print(f"test host: {words}", file=sys.stderr, flush=True)


def remove(cache: Path) -> None:
    """Remove every tree and what was fetched for them."""
    with _alone(cache):
        for path in _trees(cache):
            shutil.rmtree(path)
        for path in cache.glob("*.log"):
            path.unlink()
