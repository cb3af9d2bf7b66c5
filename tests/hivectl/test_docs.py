"""The page about `hivectl` says what the program does."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import click
import pytest

from hyperhive.hivectl.tree import cli
from tests.hivectl.scripted import understood

PAGE = (Path(__file__).parents[2] / "docs" / "hivectl.md").read_text()
EXAMPLES = [
    one.replace("\\|", "|").rpartition("| hivectl ")[2] for one in re.findall(r"\| `((?:git|hivectl) .*?)` \|", PAGE)
]


def test_every_command_is_explained_in_a_line() -> None:
    rows = " ".join(line for line in PAGE.splitlines() if line.startswith(("| `", "`completion")))
    assert [name for name in cli.list_commands(click.Context(cli)) if f"`{name}" not in rows] == []


@pytest.mark.parametrize("example", EXAMPLES)
def test_an_example_is_a_command_line_that_is_understood(example: str, monkeypatch: pytest.MonkeyPatch) -> None:
    import getpass
    import io
    import sys

    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"alice")))
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True, raising=False)
    monkeypatch.setattr(getpass, "getpass", lambda *_, **__: "")  # it would turn off the echo of a real terminal
    assert understood(*shlex.split(example.removeprefix("hivectl ")))


def test_every_exit_status_is_in_the_page_and_in_the_help() -> None:
    for status in ("0", "1", "2", "3", "130"):
        assert f"| {status} |" in PAGE
        assert re.search(rf"\b{status} \w", cli.epilog or "")
