"""How the CLI is started: its command line and its environment."""

from __future__ import annotations

import math
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import orjson
from attrs import Factory, field, frozen

IDLE: Final = 900.0
TURN: Final = 3600.0
OWN_SETTINGS: Final = "claude-settings.json"
"""Among the files of an agent's configuration, settings for the CLI."""

UNASKED: Final = ("Bash", "Edit", "Write", "NotebookEdit", "Read", "Glob", "Grep", "WebFetch", "WebSearch", "Skill")
"""Its own tools that it may use where none are configured. Nobody is there whom it could ask for each."""

NEVER: Final = ("CronCreate", "Monitor", "ScheduleWakeup", "SendMessage")
"""Its own tools that begin turns nobody counts, or are taken for the hive's; only who names them has them."""
QUIET: Final = {
    "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
    # What goes on in the background would begin turns of its own, which nobody asked for and nobody counts.
    "CLAUDE_CODE_DISABLE_BACKGROUND_TASKS": "1",
}
CONFIG_DIR: Final = "CLAUDE_CONFIG_DIR"
LOGIN_DIR: Final = "CLAUDE_SECURESTORAGE_CONFIG_DIR"
"""Where it keeps its login, if not with all the rest."""
LOGINS: Final = ("ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN", "CLAUDE_CODE_OAUTH_TOKEN")
KEY: Final = "sk-ant-api"
"""How an API key begins; any other token is one of `claude setup-token`."""
MARK: Final = "HIVE_CLAUDE_RUN"
"""What all that one process has started can be told by."""


@frozen(kw_only=True)
class Settings:
    """What the runner is told once; of what is left out, the environment says what the agent's configuration does.

    Raises ValueError, with a sentence, where it says what can't be.

    `state` is a directory of the runner's own, for the number of the session, and `credentials` one for a token.
    `directory` is where the CLI works. `config` is where it keeps its sessions, None for a directory in `state`: apart
    from those of any other `claude` in the same home, which could go on with ours. `tools` are rules as its
    `--allowedTools` takes them, such as `Bash(git *)`; None: UNASKED. `system_prompt` is a file with what is added to
    its own, `settings` one of its settings. `servers` are its MCP servers. A turn takes at most `turn_seconds`; a
    process without a turn ends after `idle_seconds`.
    """

    environment: Mapping[str, str]
    state: Path
    directory: Path
    credentials: Path = field(default=Factory(lambda self: _credentials(self.environment, self.state), takes_self=True))
    program: str = "claude"
    config: Path | None = None
    model: str | None = None
    tools: Sequence[str] | None = field(default=Factory(lambda self: _tools(self.environment), takes_self=True))
    system_prompt: Path | None = None
    settings: Path | None = field(default=Factory(lambda self: _settings(self.environment), takes_self=True))
    servers: Mapping[str, Mapping[str, Any]] = field(factory=dict)
    turn_seconds: float = field(default=Factory(lambda self: _seconds(self.environment), takes_self=True))
    idle_seconds: float = IDLE


def _credentials(environment: Mapping[str, str], otherwise: Path) -> Path:
    given = environment.get("HIVE_CREDENTIALS_DIR") or environment.get("HOME")
    return Path(given) if given else otherwise


def _tools(environment: Mapping[str, str]) -> list[str] | None:
    given = environment.get("HIVE_TOOLS")
    try:
        return None if given is None else shlex.split(given)
    except ValueError as error:
        message = f"HIVE_TOOLS can't be split into words ({error}): it must be written as for a shell"
        raise ValueError(message) from error


def _settings(environment: Mapping[str, str]) -> Path | None:
    files = environment.get("HIVE_CONFIG_DIR")
    return path if files and (path := Path(files, OWN_SETTINGS)).is_file() else None


def _seconds(environment: Mapping[str, str]) -> float:
    given = environment.get("HIVE_TURN_SECONDS") or str(TURN)
    try:
        seconds = float(given)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds < math.inf:
        raise ValueError(f"HIVE_TURN_SECONDS is {given!r}; it must be a number of seconds, such as {TURN:g}")
    return seconds


def command(settings: Settings, model: str | None, session: str | None, mark: str) -> list[str]:
    """The command line. The prompt is none of its words: options that take several would swallow it."""
    servers = {name: {**said, "env": {**said.get("env", {}), MARK: mark}} for name, said in settings.servers.items()}
    words = [
        settings.program,
        "--print",
        "--verbose",
        "--input-format",
        "stream-json",
        "--output-format",
        "stream-json",
    ]
    words += ["--strict-mcp-config", "--mcp-config", orjson.dumps({"mcpServers": servers}).decode()]
    if settings.tools is None:
        words += ["--disallowedTools", ",".join(NEVER)]
    else:
        words += ["--tools", ",".join(own(settings.tools))]
    allowed = [*(UNASKED if settings.tools is None else settings.tools), *(f"mcp__{name}" for name in settings.servers)]
    words += ["--allowedTools", ",".join(allowed)] if allowed else []
    for option, value in (
        ("--model", model),
        ("--append-system-prompt-file", settings.system_prompt),
        ("--settings", settings.settings),
        ("--resume", session),
    ):
        words += [] if value is None else [option, str(value)]
    return words


def own(tools: Sequence[str]) -> list[str]:
    """The CLI's own tools among those rules, each once and without what a rule says of its use."""
    names = [rule.partition("(")[0] for rule in tools if not rule.startswith("mcp__")]
    return list(dict.fromkeys(names))


def environment(settings: Settings, token: str | None, mark: str) -> dict[str, str]:
    """The variables that it sees: ours, and those that keep it quiet unless ours say otherwise.

    A token takes the place of any login that is among ours. Whoever has logged in with another `claude` in the same
    home is logged in here too.
    """
    given = {**QUIET, **settings.environment, MARK: mark}
    if home := given.get("HOME"):
        given.setdefault(LOGIN_DIR, given.get(CONFIG_DIR) or str(Path(home, ".claude")))
    given[CONFIG_DIR] = str(settings.config or settings.state / "claude")
    if token is not None:
        given = {name: value for name, value in given.items() if name not in LOGINS}
        given["ANTHROPIC_API_KEY" if token.startswith(KEY) else "CLAUDE_CODE_OAUTH_TOKEN"] = token
    return given
