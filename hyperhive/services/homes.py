"""The agents' homes on disk: made at spawn, kept at destroy, taken away at purge."""

from __future__ import annotations

import contextlib
import os
import shutil
import stat
import subprocess
from pathlib import Path

from twisted.internet.defer import Deferred
from twisted.internet.threads import deferToThread

from hyperhive.errors import ContainerError
from hyperhive.layout import Layout


def make(layout: Layout, name: str) -> bool:
    """Make what is missing of the agent's home; whether there was nothing before. Raises ContainerError."""
    fresh = not layout.home(name).exists() and not layout.applied(name).exists()
    try:
        for directory in (layout.notes(name), layout.credentials(name)):
            directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        with contextlib.suppress(FileExistsError):
            layout.config_link(name).symlink_to(os.path.relpath(layout.proposed(name), layout.home(name)))
    except OSError as error:
        message = f"the home of '{name}' can't be made: {error}"
        raise ContainerError(message) from error
    return fresh


def purge(layout: Layout, name: str) -> Deferred[None]:
    """Take away all that is kept of the agent, off the reactor. Fails with ContainerError if something stays."""
    return deferToThread(_purge, layout, name)


def _remove(tree: Path) -> None:
    """Take a tree away, or the link or file that stands in its place; no link is followed."""
    if tree.is_symlink() or (tree.exists() and not tree.is_dir()):
        tree.unlink()
        return
    try:
        shutil.rmtree(tree)
    except PermissionError:  # the agent closed directories of its own, as a module cache does
        _open_up(tree)
        shutil.rmtree(tree)
    except RecursionError:  # the agent nested directories deeper than Python can follow
        done = subprocess.run(["/bin/rm", "-rf", "--", tree], capture_output=True, text=True, check=False)
        if done.returncode:
            raise OSError(done.stderr.strip()) from None


def _open_up(directory: Path) -> None:
    directory.chmod(stat.S_IRWXU)
    with os.scandir(directory) as entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                _open_up(Path(entry.path))


def _purge(layout: Layout, name: str) -> None:
    for tree in (layout.home(name), layout.proposed(name), layout.applied(name), layout.deployed(name)):
        try:
            _remove(tree)
        except FileNotFoundError:
            continue
        except OSError as error:
            message = f"what is kept of '{name}' can't be removed: {error}"
            raise ContainerError(message) from error
