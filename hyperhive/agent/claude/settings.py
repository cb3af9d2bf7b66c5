"""How the CLI is started: its command line and its environment."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import orjson
from attrs import field, frozen

IDLE: Final = 900.0
TURN: Final = 3600.0

UNASKED: Final = ("Bash", "Edit", "Write", "NotebookEdit", "Read", "Glob", "Grep", "WebFetch", "WebSearch", "Skill")
"""Its own tools that it may use where none are configured. Nobody is there whom it could ask for each."""

NEVER: Final = ("CronCreate", "Monitor", "ScheduleWakeup", "SendMessage")
"""Its own tools that begin turns nobody counts, or are taken for the hive's; only who names them has them."""
QUIET: Final = {
    "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
    # What goes on in the background would begin turns of its own, which nobody asked for and nobody counts.
    "CLAUDE_CODE_DISABLE_BACKGROUND_TASKS": "1",
    # The hive's tools are before the model in every turn, and not behind a search that it would have to think of.
    "ENABLE_TOOL_SEARCH": "false",
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
    """What the runner is told once.

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
    credentials: Path
    program: str = "claude"
    config: Path | None = None
    model: str | None = None
    tools: Sequence[str] | None = None
    system_prompt: Path | None = None
    settings: Path | None = None
    servers: Mapping[str, Mapping[str, Any]] = field(factory=dict)
    turn_seconds: float = TURN
    idle_seconds: float = IDLE


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
    if (login := login_directory(given)) is not None:
        given[LOGIN_DIR] = login
    given[CONFIG_DIR] = str(settings.config or settings.state / "claude")
    if token is not None:
        given = {name: value for name, value in given.items() if name not in LOGINS}
        given["ANTHROPIC_API_KEY" if token.startswith(KEY) else "CLAUDE_CODE_OAUTH_TOKEN"] = token
    return given


def login_directory(environment: Mapping[str, str]) -> str | None:
    """Where every `claude` with these variables keeps its login; None where it has no home either."""
    home = environment.get("HOME")
    said = environment.get(LOGIN_DIR) or environment.get(CONFIG_DIR)
    return said or (str(Path(home, ".claude")) if home else None)


def login_file(environment: Mapping[str, str]) -> Path | None:
    """The file in which it keeps there whom it is logged in as; None where it has no directory for that."""
    directory = login_directory(environment)
    return None if directory is None else Path(directory, ".credentials.json")
