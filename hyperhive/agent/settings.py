"""What the environment says of the runner and of the loop around it."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from attrs import frozen

from hyperhive.agent.command import GRACE
from hyperhive.agent_config import CLAUDE, COMMAND, RUNNERS

CONTEXT_TOKENS: Final = 150_000
SETTLING: Final = 3.0
"""Seconds that the daemon has, once the turn has ended, to hear what became of the mail in hand."""


class WrongSetting(ValueError):
    """A variable says what can't be; the sentence says what would do."""


@frozen(kw_only=True)
class Settings:
    """`kind` is the runner's, None where none is configured; `command` a program and its arguments.

    `context_tokens` is how much the model may have before it after a turn until that is shortened. `grace` is how many
    seconds a turn may go on after SIGTERM, `turn_seconds` how long one may take at all (None: the runner's own limit).

    Of `claude`: `tools` are the ones that its model has beside the hive's (None: all), `credentials` is the directory
    for a token, `config` where the CLI keeps what it knows (None: its own choice), and `login` the file there that
    changes when somebody logs in.
    """

    kind: str | None = None
    command: tuple[str, ...] = ()
    model: str | None = None
    context_tokens: int = CONTEXT_TOKENS
    grace: float = 0.0
    turn_seconds: float | None = None
    tools: tuple[str, ...] | None = None
    credentials: Path | None = None
    config: Path | None = None
    login: Path | None = None


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
        grace=_left(_number(environment, "HIVE_STOP_GRACE", 0.0)),
        turn_seconds=_number(environment, "HIVE_TURN_SECONDS", 0.0) or None,
        **(_of_claude(environment) if kind == CLAUDE else {}),
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


def _of_claude(environment: Mapping[str, str]) -> dict[str, Any]:
    """What only `claude` has: its tools, and where it keeps whom it is logged in as."""
    home, own = environment.get("HOME"), environment.get("HIVE_CREDENTIALS_DIR")
    said, tools = environment.get("CLAUDE_CONFIG_DIR"), environment.get("HIVE_TOOLS")
    credentials = Path(own or home or ".")
    config = Path(said) if said else credentials / "claude" if own else None
    login = (config or credentials / ".claude") / ".credentials.json"
    return {
        "tools": None if tools is None else tuple(shlex.split(tools)),
        "credentials": credentials,
        "config": config,
        "login": login,
    }
