"""What the environment says of the runner and of the loop around it; only where files are is read elsewhere."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from attrs import frozen

from hyperhive.agent.claude.settings import TURN, login_file
from hyperhive.agent.runner import GRACE
from hyperhive.agent_config import CLAUDE, COMMAND, RUNNERS
from hyperhive.limits import CONTEXT_TOKENS

TURN_SECONDS: Final = 86_400.0
"""How long a turn of the command may take where nothing is said; one of `claude` may take TURN."""
SETTLING: Final = 3.0
"""Seconds that the daemon has, once the turn has ended, to hear what became of the mail in hand."""


class WrongSetting(ValueError):
    """A variable says what can't be; the sentence says what would do."""


@frozen(kw_only=True)
class Settings:
    """`kind` is the runner's, None where none is configured; `command` a program and its arguments.

    `tools` is what a `claude` may use of its own, None where nothing is said. `context_tokens` is how much the model
    may have before it after a turn until that is shortened. `turn_seconds` is how long a turn may take, and `grace` how
    long one may go on after SIGTERM. `login` is the file that changes when somebody logs in.
    """

    kind: str | None = None
    command: tuple[str, ...] = ()
    model: str | None = None
    tools: tuple[str, ...] | None = None
    context_tokens: int = CONTEXT_TOKENS
    turn_seconds: float = TURN_SECONDS
    grace: float = 0.0
    login: Path | None = None


def settings_in(environment: Mapping[str, str]) -> Settings:
    """The settings in these variables. Raises WrongSetting."""
    command = _words(environment, "HIVE_RUNNER_COMMAND") or ()
    kind = environment.get("HIVE_RUNNER") or (COMMAND if command else None)
    if kind is not None and kind not in RUNNERS:
        raise WrongSetting(f"HIVE_RUNNER is {kind!r}; it must be 'command' or 'claude'")
    if kind == COMMAND and not command:
        kind = None
    longest = TURN if kind == CLAUDE else TURN_SECONDS
    return Settings(
        kind=kind,
        command=command,
        model=environment.get("HIVE_MODEL") or None,
        tools=_words(environment, "HIVE_TOOLS"),
        context_tokens=int(_number(environment, "HIVE_CONTEXT_TOKENS", CONTEXT_TOKENS)),
        turn_seconds=_number(environment, "HIVE_TURN_SECONDS", longest) or longest,
        grace=_left(_number(environment, "HIVE_STOP_GRACE", 0.0)),
        login=login_file(environment) if kind == CLAUDE else None,
    )


def _words(environment: Mapping[str, str], name: str) -> tuple[str, ...] | None:
    written = environment.get(name)
    try:
        return None if written is None else tuple(shlex.split(written))
    except ValueError as error:
        message = f"{name} can't be split into words ({error}): it must be written as for a shell"
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
