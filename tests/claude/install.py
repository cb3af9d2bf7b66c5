"""`python -m tests.claude.install` (`make claude`): the real CLI, from npm into `build/claude/<version>`."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

VERSION: Final = "2.1.330"
PACKAGE: Final = f"@anthropic-ai/claude-code@{VERSION}"
PLACE: Final = Path(__file__).parents[2] / "build" / "claude" / VERSION
LONGEST: Final = 600.0


def installed() -> Path | None:
    """The program, if it is there: a binary, which runs without node.

    An npm that knows no C libraries fetches the one for musl too, with a longer name.
    """
    return min(
        PLACE.glob("node_modules/@anthropic-ai/claude-code-*/claude"), key=lambda path: len(str(path)), default=None
    )


def required() -> Path:
    """The program; without it the test is skipped, and fails in `.ci/run`, which installs it."""
    program = installed()
    if program is None and os.environ.get("CI"):
        pytest.fail(
            f"the real claude {VERSION} is not in {PLACE}, and CI may not do without: make claude", pytrace=False
        )
    if program is None:
        pytest.skip(f"the real claude {VERSION} is not installed: make claude")
    return program


def main() -> int:
    """Install it, unless it is there; the exit status."""
    if installed() is not None:
        return 0
    if shutil.which("npm") is None:
        print("npm is not installed (Debian packages nodejs and npm); it fetches the real claude", file=sys.stderr)
        return 1
    new = PLACE.with_name(f"{VERSION}.{os.getpid()}.new")
    shutil.rmtree(new, ignore_errors=True)
    new.mkdir(parents=True)
    # Its own script only moves the binary to another place.
    words = ["npm", "install", "--prefix", str(new), "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
    try:
        subprocess.run([*words, PACKAGE], check=True, timeout=LONGEST, stdout=sys.stderr)
        new.rename(PLACE)
    except (subprocess.SubprocessError, OSError) as error:
        print(f"the real claude could not be installed: {error}", file=sys.stderr)
        return 1
    finally:
        shutil.rmtree(new, ignore_errors=True)
    return 0 if installed() is not None else 1


if __name__ == "__main__":
    sys.exit(main())
