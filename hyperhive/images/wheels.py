"""Our own program and what it needs, as wheels for an image's Python, gathered by the host's pip.

The host's pip has the host's settings: which index, which certificates, which logins. None of that gets into an image.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Iterator, Sequence
from importlib.metadata import Distribution, distributions
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote, urlsplit

from attrs import frozen

from hyperhive.images.confined import Listener, run
from hyperhive.images.record import ImageError

PROJECT: Final = "hyperhive"
_NOT_OF_THE_SOURCE: Final = shutil.ignore_patterns(".*", "build", "dist", "*.egg-info", "__pycache__")
_TOLD: Final = ("Collecting ", "Downloading ", "Processing ", "Building wheel", "Preparing ")
_QUIET: Final = ("--progress-bar=off", "--disable-pip-version-check", "--no-input")


@frozen
class Python:
    """An image's Python: its version as `3.11.2`, and the platforms whose wheels it takes, the best first."""

    version: str
    platforms: tuple[str, ...]


def own_source() -> str:
    """What pip was given when the running hyperhive was installed: a path, a URL, or `hyperhive==VERSION`.

    Raises ImageError if that is not known, or is not there any more.
    """
    # A checkout on the path is found too, as a distribution that does not know how it was installed.
    known = sorted(distributions(name=PROJECT), key=lambda one: one.read_text("direct_url.json") is None)
    if not known:
        raise ImageError(f"this {PROJECT} is not installed; say which is to be in the image with --hyperhive")
    return _source_of(known[0])


def _source_of(distribution: Distribution) -> str:
    direct: dict[str, Any] = json.loads(distribution.read_text("direct_url.json") or "{}")
    url = direct.get("url")
    if not url:
        return f"{PROJECT}=={distribution.version}"
    if "vcs_info" in direct:
        return f"{PROJECT} @ {direct['vcs_info']['vcs']}+{url}@{direct['vcs_info']['commit_id']}"
    if urlsplit(url).scheme != "file":
        return f"{PROJECT} @ {url}"
    path = unquote(urlsplit(url).path)
    if not os.path.exists(path):  # noqa: PTH110 - no error either where it may not be looked at
        raise ImageError(f"{PROJECT} was installed from {path}, which is gone; name a source with --hyperhive")
    return path


def check(source: str) -> None:
    """Raises ImageError for a source that is the path of nothing, or of a directory with nothing to build."""
    path = Path(source)
    if path.is_dir():
        if not any((path / name).is_file() for name in ("pyproject.toml", "setup.cfg", "setup.py")):
            raise ImageError(f"{source} is no checkout of {PROJECT}: it has no pyproject.toml")
    elif source.startswith(("/", "./", "../")) and not path.exists():
        raise ImageError(f"there is no {source}; name a checkout, a wheel or a version of {PROJECT}")


def gather(source: str, python: Python, workshop: Path, target: Path, hear: Listener) -> str:
    """Put wheels of `source` and of all it requires into `target`; gives the version of hyperhive.

    Raises ImageError, also when something has no wheel for that Python.
    """
    if find_spec("pip") is None:
        raise ImageError(f"{sys.executable} has no pip to make the wheels with; on Debian: apt install python3-pip")
    built, scratch = workshop / "built", workshop / "scratch"
    for directory in (built, scratch, target):
        directory.mkdir()
    # First what the host makes of it: a source distribution becomes a wheel only here. Then what the image can use
    # of that, and what it needs instead.
    _pip("wheel", f"--wheel-dir={built}", _buildable(source, workshop), scratch=scratch, hear=hear)
    ours, version = _wheel_of_ours(built, source)
    _pip("download", *_only_for(python), f"--find-links={built}", f"--dest={target}", str(ours), scratch=scratch,
         hear=hear)  # fmt: skip
    return version


def _pip(command: str, *arguments: str, scratch: Path, hear: Listener) -> None:
    environ = {**os.environ, "TMPDIR": str(scratch)}
    pip = [sys.executable, "-m", "pip", command, *_QUIET, *arguments]
    run(pip, lambda line: hear(line) if line.strip().startswith(_TOLD) else None, environ=environ)


def _only_for(python: Python) -> Iterator[str]:
    yield from ("--only-binary=:all:", "--implementation=cp", f"--python-version={python.version}")
    for platform in python.platforms:
        yield f"--platform={platform}"


def _buildable(source: str, workshop: Path) -> str:
    """`source`, or a copy if it is a directory: a build leaves things behind in it."""
    directory = Path(source)
    if not directory.is_dir():
        return str(directory.resolve()) if directory.exists() else source
    return str(shutil.copytree(directory, workshop / "source", symlinks=True, ignore=_NOT_OF_THE_SOURCE))


def _wheel_of_ours(built: Path, source: str) -> tuple[Path, str]:
    found: Sequence[Path] = [path for path in built.glob("*.whl") if path.name.startswith(f"{PROJECT}-")]
    if len(found) != 1:
        raise ImageError(f"{source} is not {PROJECT}; name a checkout, a wheel or a version of it")
    return found[0], found[0].name.split("-")[1]
