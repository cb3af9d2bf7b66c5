"""What this machine must have: root, namespaces, and a few Debian programs, installed where they are missing."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from testhost.errors import CannotRun

PACKAGES = {
    "debootstrap": "debootstrap",
    "journalctl": "systemd",
    "mount": "mount",
    "setpriv": "util-linux",
    "systemd-nspawn": "systemd-container",
    "unshare": "util-linux",
}
SECONDS = 600


def check(cache: Path) -> None:
    """See that a test host can run here from `cache`, and install what it lacks.

    Raises CannotRun with what it cannot get.
    """
    if os.geteuid() != 0:
        raise CannotRun("The test host mounts and boots a container: run it as root.")
    install(missing())
    _check_disk(cache)
    _check_namespaces()


def _check_disk(cache: Path) -> None:
    cache.mkdir(parents=True, exist_ok=True)
    asked = ["stat", "--file-system", "--format=%T", str(cache)]
    found = subprocess.run(asked, capture_output=True, text=True, check=True)
    if found.stdout.strip() == "overlayfs":
        raise CannotRun(
            f"The test host lays an overlay over {cache}, and that is one already: choose a disk with --cache."
        )


def _check_namespaces() -> None:
    tried = ["unshare", "--mount", "--propagation", "private", "--pid", "--net", "--fork", "--mount-proc", "true"]
    done = subprocess.run(tried, capture_output=True, text=True, check=False, timeout=30)
    if done.returncode:
        said = done.stderr.strip().splitlines()[-1:] or ["nothing"]
        raise CannotRun(f"The test host needs mount, pid and network namespaces, and unshare says here: {said[0]}.")


def missing() -> list[str]:
    """The Debian packages of the programs that are not on the path."""
    return sorted({package for program, package in PACKAGES.items() if shutil.which(program) is None})


def install(packages: list[str]) -> None:
    """Install `packages` with apt-get. Raises CannotRun when there is none, or when it fails."""
    if not packages:
        return
    wanted = " ".join(packages)
    if shutil.which("apt-get") is None:
        raise CannotRun(f"The test host needs programs that are not installed, and there is no apt-get: {wanted}.")
    print(f"test host: installing {wanted}", file=sys.stderr, flush=True)
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    options = ["-qq", "-y", "--no-install-recommends"]
    for command in (["apt-get", "update", "-qq"], ["apt-get", "install", *options, *packages]):
        try:
            done = subprocess.run(
                command, env=environment, capture_output=True, text=True, check=False, timeout=SECONDS
            )
        except subprocess.TimeoutExpired:
            raise CannotRun(f"{' '.join(command[:2])} was not done after {SECONDS // 60} minutes.") from None
        if done.returncode:
            said = done.stderr.strip().splitlines()[-1:] or ["nothing"]
            raise CannotRun(f"The test host needs {wanted}, and apt-get could not install them: {said[0]}")
