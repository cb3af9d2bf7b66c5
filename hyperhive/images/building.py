"""Builds an image: Debian by debootstrap, our agent's program in it, and nothing left over from the making."""

from __future__ import annotations

import json
import os
import re
import shutil
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final

from attrs import frozen

from hyperhive.images import MOUNT_POINTS, wheels
from hyperhive.images.confined import Listener, found, run
from hyperhive.images.place import Place
from hyperhive.images.record import ImageError, ImageRecord

PACKAGES: Final = ("ca-certificates", "curl", "git", "iproute2", "less", "procps", "python3", "python3-venv")
"""The packages of every image, beside Debian's smallest base."""
USER: Final = "agent"
UID: Final = 1000
HOME: Final = f"home/{USER}"
PREFIX: Final = "/opt/hyperhive"
_WHEELS: Final = "/opt/wheels"
# What making it leaves: each host's own, caches, logs and copies of before.
_LEFT_OVER: Final = (
    "dev/*", "run/*", "tmp/*", "tmp/.*", "root/.cache", "debootstrap", "etc/hostname", "etc/*-", "etc/.pwd.lock",
    "opt/wheels", "var/backups/*", "var/cache/apt/*", "var/cache/debconf/*-old", "var/cache/ldconfig/*",
    "var/lib/apt/lists/*", "var/lib/dbus/machine-id", "var/lib/dpkg/*-old", "var/log/*.log", "var/log/apt/*",
    "var/tmp/*",
)  # fmt: skip
_EMPTY: Final = ("etc/machine-id", "etc/resolv.conf")
_SUITE: Final = re.compile(r"[a-z][a-z0-9.+_-]*")
_PACKAGE: Final = re.compile(r"[a-z0-9][a-z0-9.+-]+")
_ASK_PYTHON: Final = """
import json, platform
from pip._vendor.packaging.tags import platform_tags
print(json.dumps([platform.python_version(), list(platform_tags())]))
"""

Progress = Callable[[str, str], None]
"""Hears what is being done, and the last line of the program that does it."""


@frozen(kw_only=True)
class Order:
    """What image is wanted: `source` is anything that pip takes, by default the hyperhive that runs this.

    `replace` lets it replace another image. Raises ImageError for names that can be no suite or package.
    """

    image: Path
    suite: str = "bookworm"
    mirror: str | None = None
    packages: tuple[str, ...] = ()
    source: str | None = None
    replace: bool = False

    def __attrs_post_init__(self) -> None:
        if not _SUITE.fullmatch(self.suite):
            raise ImageError(f"{self.suite!r} can't be a suite; they have names like 'bookworm'")
        if self.mirror is not None and "://" not in self.mirror:
            raise ImageError(f"{self.mirror!r} can't be a mirror; it must be a URL such as http://mirror/debian")
        for name in self.packages:
            if not _PACKAGE.fullmatch(name):
                raise ImageError(f"{name!r} can't be a package; they have names like 'ripgrep'")


@frozen
class Built:
    """A finished image: its record, and where the one that it replaced is, if an agent still runs on that."""

    record: ImageRecord
    kept: Path | None


def build(order: Order, progress: Progress) -> Built:
    """Build an image and put it in its place; whatever goes wrong, the place is as it was.

    Raises ImageError with what is missing or went wrong.
    """
    if os.geteuid():
        raise ImageError("only root can build an image: its files belong to several users")
    found("debootstrap")
    place = Place(order.image.resolve())
    place.check(replace=order.replace)
    source = order.source or wheels.own_source()
    wheels.check(source)
    try:
        with place.workshop() as workshop:
            record = _make(order, source, workshop, progress)
            progress("putting it in place", "")
            return Built(record, place.put(workshop / "tree", replace=order.replace))
    except OSError as error:
        raise ImageError(f"no image can be built at {order.image}: {error}") from error


def _make(order: Order, source: str, workshop: Path, progress: Progress) -> ImageRecord:
    tree = workshop / "tree"
    _debootstrap(order, tree, lambda line: progress(f"Debian {order.suite}", line))
    python = _virtual_environment(tree)
    version = wheels.gather(
        source, python, workshop, tree / _WHEELS[1:], lambda line: progress("gathering hyperhive", line)
    )
    _install(tree, version, lambda line: progress("installing hyperhive", line))
    progress("tidying up", "")
    _settle(tree)
    record = ImageRecord(
        hyperhive=version,
        python=python.version,
        suite=order.suite,
        built_at=int(time.time()),
        packages=_versions(tree, {*PACKAGES, *order.packages}),
    )
    _tidy(tree)
    record.write(tree)
    return record


def _debootstrap(order: Order, tree: Path, hear: Listener) -> None:
    # Without --force-check-gpg it warns of a missing keyring, and takes unsigned packages.
    options = ["--variant=minbase", "--force-check-gpg", f"--include={','.join((*PACKAGES, *order.packages))}"]
    mirror = [order.mirror] if order.mirror else []
    try:
        run(["debootstrap", *options, order.suite, str(tree), *mirror], hear, environ={**os.environ, "LC_ALL": "C"})
    except ImageError as error:
        raise ImageError(f"{error}{_last_of_log(tree)}") from None


def _last_of_log(tree: Path) -> str:
    try:
        lines = (tree / "debootstrap" / "debootstrap.log").read_text(errors="replace").split("\n")
    except OSError:
        return ""
    said = [line.strip() for line in lines if line.strip()]
    return f" ({said[-1]})" if said else ""


def _virtual_environment(tree: Path) -> wheels.Python:
    _inside(tree, "python3", "-m", "venv", PREFIX)
    told: list[str] = []
    _inside(tree, f"{PREFIX}/bin/python", "-I", "-c", _ASK_PYTHON, hear=told.append)
    version, platforms = json.loads(told[-1])
    return wheels.Python(version, tuple(platforms))


def _install(tree: Path, version: str, hear: Listener) -> None:
    pip = (f"{PREFIX}/bin/python", "-I", "-m", "pip", "--isolated", "--disable-pip-version-check", "--no-cache-dir")
    _inside(tree, *pip, "install", "--no-index", f"--find-links={_WHEELS}", f"hyperhive=={version}", hear=hear)
    _inside(tree, "ln", "-s", f"{PREFIX}/bin/hive-agent", "/usr/local/bin/hive-agent")


def _settle(tree: Path) -> None:
    """The agent's user, and the places where the host's directories will be mounted."""
    _inside(tree, "groupadd", f"--gid={UID}", USER)
    account = (f"--uid={UID}", f"--gid={UID}", f"--home-dir=/{HOME}", "--no-create-home", "--shell=/bin/bash")
    _inside(tree, "useradd", *account, USER)
    _inside(tree, "usermod", "--lock", "root")
    _inside(tree, "install", "-d", "-m", "0750", "-o", USER, "-g", USER, f"/{HOME}")


def _versions(tree: Path, packages: Iterable[str]) -> dict[str, str]:
    told: list[str] = []
    _inside(tree, "dpkg-query", "--show", "--showformat=${Package} ${Version}\n", *sorted(packages), hear=told.append)
    return dict(line.split(" ", 1) for line in told)


def _tidy(tree: Path) -> None:
    for pattern in _LEFT_OVER:
        for path in tree.glob(pattern):
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink()
    for name in _EMPTY:
        (tree / name).unlink(missing_ok=True)
        (tree / name).touch()
        (tree / name).chmod(0o644)
    for name in MOUNT_POINTS:
        (tree / name).mkdir()
        (tree / name).chmod(0o755)


def _inside(tree: Path, *arguments: str, hear: Listener = lambda _line: None) -> None:
    """Run a program of the image in it, without a network and with none of our environment."""
    command = ["chroot", str(tree), "/usr/bin/env", "-i", "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C.UTF-8"]
    run([*command, "HOME=/root", *arguments], hear, network=False)
