"""The session in the README is typed again, and what happens is compared with what stands there."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

import pytest

from tests.docs.pages import ROOT, blocks
from tests.docs.running import Line, running, short_directory
from tests.docs.terminal import typed

PAGE = "README.md"
RECORDED_IN = "/home/ada/hyperhive"
LOOKS = re.compile(r"hivectl (status|inbox|questions|pending|logs|messages)\b")
"""Commands that change nothing: they are typed again after the next change if what they show is still to come."""

VARIES: list[tuple[str, str]] = [
    (r"\d{4}-\d\d-\d\dT[\d:]+[+-]\d{4}", "TIME"),
    (r"\d{4}-\d\d-\d\d [\d:]{8}", "TIME"),
    (r"\b(now|\d+ (s|min|h) ago)", "WHEN"),
    (r"twistd [\w.]+ \(.*?\)", "twistd"),
    (r"reactor class: [\w.]+", "reactor"),
    (r"\d+ files may be open: room for \d+", "N files may be open: room for N"),
    (r"\bmessage \d+ from", "message N from"),
    (r"\s+", " "),
]


@pytest.mark.deadline(120)
def test_the_session_happens_as_it_stands_in_the_readme() -> None:
    first, second, last = (block.lines for block in blocks(PAGE, "console"))
    (configuration,) = blocks(PAGE, "toml")
    with short_directory() as directory:
        (directory / "hive.toml").write_text("\n".join(configuration.lines) + "\n")
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


def replay(lines: Iterable[str], directory: Path) -> None:
    """Type every command, and compare what it shows."""
    environment = {name: value for name, value in os.environ.items() if name not in {"NO_COLOR", "COLUMNS", "LINES"}}
    environment |= {"TERM": "xterm-256color", "PWD": str(directory)}
    changes = Line(directory / "demo" / "run" / "host.sock")
    changes.say('{"cmd":"subscribe"}')
    changes.hear()
    for command, expected in commands(lines):
        if command.startswith("export "):
            name, _, value = command.removeprefix("export ").partition("=")
            environment[name] = value.replace(RECORDED_IN, str(directory))
            continue
        wanted = [masked(line, RECORDED_IN) for line in expected]
        seen = shown(command, directory, environment)
        with suppress(TimeoutError):  # of `hear`, when nothing changes any more
            while seen != wanted and LOOKS.search(command):
                changes.hear()
                seen = shown(command, directory, environment)
        assert seen == wanted, command
    changes.close()


def shown(command: str, directory: Path, environment: dict[str, str]) -> list[str]:
    """What the command shows, masked."""
    return [masked(line, str(directory)) for line in typed(command, directory, environment)]


def commands(lines: Iterable[str]) -> list[tuple[str, list[str]]]:
    """The commands of a session, each with the lines that followed it."""
    found: list[tuple[str, list[str]]] = []
    for line in lines:
        if line.startswith("$ "):
            found.append((line[2:], []))
        else:
            found[-1][1].append(line)
    return found


def masked(line: str, directory: str) -> str:
    """A line without what is different each time."""
    line = line.replace(directory, "DIRECTORY")
    for pattern, mask in VARIES:
        line = re.sub(pattern, mask, line)
    return line.strip()
