"""The real CLI, as npm brings it: a binary, which runs without node."""

from __future__ import annotations

from pathlib import Path

from tests.node_tools import CLAUDE, npm_install, required


def fetched() -> Path:
    """The program, fetched if it is not there yet. Raises Missing."""
    return _in(npm_install(*CLAUDE))


def claude() -> Path:
    """The program; where it can't be had the test is skipped, and failed if `CI` is set."""
    return _in(required(*CLAUDE))


def _in(place: Path) -> Path:
    (program,) = place.glob("node_modules/@anthropic-ai/claude-code-*/claude")
    return program
