"""The session in the README is typed again, and what happens is compared with what stands there."""

from __future__ import annotations

import os
import re
import subprocess
import sys

import pytest

from tests.docs.pages import ROOT, blocks
from tests.docs.running import running, short_directory
from tests.docs.sessions import RECORDED_IN, masked, replay

PAGE = "README.md"


@pytest.mark.deadline(120)
def test_the_session_happens_as_it_stands_in_the_readme() -> None:
    first, second, last = (block.lines for block in blocks(PAGE, "console"))
    (configuration,), (script,) = blocks(PAGE, "toml"), blocks(PAGE, "python")
    with short_directory() as directory:
        (directory / "hive.toml").write_text("\n".join(configuration.lines) + "\n")
        (directory / "request.py").write_text("\n".join(script.lines) + "\n")
        with running(recipe(first[0].removeprefix("$ ")), directory) as daemon:
            replay(second, directory)
        # The scripts of `.venv` know it by the path where it was made.
        output = [line.replace(sys.prefix, str(directory / ".venv")) for line in daemon.output]
        happened = [masked(line, str(directory)) for line in output]
    # Lines of different parts may change places: the doors close in no promised order.
    its_own = [line for line in (*first[1:], *last) if not re.match(r"Installing |\^C|make: ", line)]
    assert sorted(happened) == sorted(masked(line, RECORDED_IN) for line in its_own)


def recipe(command: str) -> str:
    """What `make run ...` runs, where everything is set up already."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    words = ["/bin/sh", "-c", f"{command} --dry-run"]
    done = subprocess.run(words, cwd=ROOT, env=environment, capture_output=True, text=True, check=True)
    return done.stdout.splitlines()[-1]
