"""Sessions at a terminal as a page shows them: typed again, and what happens is compared with what stands there."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from pathlib import Path

from tests.docs.running import Line
from tests.docs.terminal import typed

RECORDED_IN = "/home/ada/hyperhive"
LOOKS = re.compile(r"hivectl (status|inbox|questions|pending|logs|messages)\b")
"""Commands that change nothing: they are typed again after the next change if what they show is still to come."""

VARIES: list[tuple[str, str]] = [
    (r"\d{4}-\d\d-\d\dT[\d:]+([+-]\d{4}|Z)", "TIME"),
    (r"\d{4}-\d\d-\d\d [\d:]{8}", "TIME"),
    (r"^Date: .*", "DATE"),
    (r"\b(now|\d+ (s|min|h) ago)", "WHEN"),
    (r"twistd [\w.]+ \(.*?\)", "twistd"),
    (r"reactor class: [\w.]+", "reactor"),
    (r"\d+ files may be open: room for \d+", "N files may be open: room for N"),
    (r"\bmessage \d+ from", "message N from"),
    (r"\b[0-9a-f]{7,64}\b", "HEX"),
    (r"\s+", " "),
]


def replay(
    lines: Iterable[str],
    directory: Path,
    own: Mapping[str, str] | None = None,
    order: Callable[[list[str]], list[str]] = list,
) -> None:
    """Type every command, with `own` variables, and compare what it shows, each brought into `order`."""
    environment = {name: value for name, value in os.environ.items() if name not in {"NO_COLOR", "COLUMNS", "LINES"}}
    environment |= {"TERM": "xterm-256color", "PWD": str(directory), "GIT_PAGER": "cat", **(own or {})}
    changes = Line(directory / "demo" / "run" / "host.sock")
    changes.say('{"cmd":"subscribe"}')
    changes.hear()
    for command, expected in commands(lines):
        if command.startswith("export "):
            name, _, value = command.removeprefix("export ").partition("=")
            environment[name] = value.replace(RECORDED_IN, str(directory))
            continue
        wanted = order([masked(line, RECORDED_IN) for line in expected])
        seen = order(_shown(command, directory, environment))
        with suppress(TimeoutError):  # of `hear`, when nothing changes any more
            while seen != wanted and LOOKS.search(command):
                changes.hear()
                seen = order(_shown(command, directory, environment))
        assert seen == wanted, f"{command}\n  the page: {wanted}\n  the hive: {seen}"
    changes.close()


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


def _shown(command: str, directory: Path, environment: dict[str, str]) -> list[str]:
    return [masked(line, str(directory)) for line in typed(command, directory, environment)]
