"""What the environment says of the runner and of the loop around it."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from attrs import frozen

from hyperhive.agent.command import GRACE
from hyperhive.agent_config import CLAUDE, COMMAND, RUNNERS

CONTEXT_TOKENS: Final = 150_000
TURN_SECONDS: Final = 86_400.0
SETTLING: Final = 3.0
"""Seconds that the daemon has, once the turn has ended, to hear what became of the mail in hand."""


class WrongSetting(ValueError):
    """A variable says what can't be; the sentence says what would do."""


@frozen(kw_only=True)
class Settings:
    """`kind` is the runner's, None where none is configured; `command` a program and its arguments.

    `context_tokens` is how much the model may have before it after a turn until that is shortened. `turn_seconds` is
    how long a turn of the command may take, and `grace` how long one may go on after SIGTERM. `credentials` is the file
    that changes when somebody logs in.
    """

    kind: str | None = None
    command: tuple[str, ...] = ()
    model: str | None = None
    context_tokens: int = CONTEXT_TOKENS
    turn_seconds: float = TURN_SECONDS
    grace: float = 0.0
    credentials: Path | None = None


def settings_in(environment: Mapping[str, str]) -> Settings:
    """The settings in these variables. Raises WrongSetting."""
    command = _command(environment.get("HIVE_RUNNER_COMMAND", ""))
    kind = environment.get("HIVE_RUNNER") or (COMMAND if command else None)
    if kind is not None and kind not in RUNNERS:
        raise WrongSetting(f"HIVE_RUNNER is {kind!r}; it must be 'command' or 'claude'")
    if kind == COMMAND and not command:
        kind = None
    return Settings(
        kind=kind,
        command=command,
        model=environment.get("HIVE_MODEL") or None,
        context_tokens=int(_number(environment, "HIVE_CONTEXT_TOKENS", CONTEXT_TOKENS)),
        turn_seconds=_number(environment, "HIVE_TURN_SECONDS", TURN_SECONDS) or TURN_SECONDS,
        grace=_left(_number(environment, "HIVE_STOP_GRACE", 0.0)),
        credentials=_credentials(environment) if kind == CLAUDE else None,
    )


def _command(written: str) -> tuple[str, ...]:
    try:
        return tuple(shlex.split(written))
    except ValueError as error:
        message = f"HIVE_RUNNER_COMMAND can't be split into words ({error}): it must be written as for a shell"
        raise WrongSetting(message) from error


def _number(environment: Mapping[str, str], name: str, default: float) -> float:
    written = environment.get(name)
    if not written:
        return default
    try:
        number = float(written)
    except ValueError:
        number = -1.0
    if not 0 <= number <= 1e12:
        raise WrongSetting(f"{name} is {written!r}; it must be a number, such as {default:g}")
    return number


def _left(stop_grace: float) -> float:
    """What a turn has of the time until the daemon kills us: it must be ended and settled by then."""
    return max(0.0, stop_grace - GRACE - SETTLING)


def _credentials(environment: Mapping[str, str]) -> Path | None:
    """Where `claude` keeps whom it is logged in as."""
    directory = environment.get("CLAUDE_CONFIG_DIR")
    home = environment.get("HOME")
    if directory:
        return Path(directory, ".credentials.json")
    return Path(home, ".claude", ".credentials.json") if home else None
