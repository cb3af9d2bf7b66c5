"""The runner that was chosen, made from the settings."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from hyperhive.agent.command import Command
from hyperhive.agent.command_runner import CommandRunner
from hyperhive.agent.runner import IRunner
from hyperhive.agent.settings import Settings
from hyperhive.agent_config import CLAUDE

OWN: Final = ".hive-agent"
"""The directory among the agent's notes where its program keeps what it must know after a restart."""
CLAUDE_SETTINGS: Final = "claude-settings.json"
"""Among the files of an agent's configuration, settings for the CLI."""


class NoRunner(Exception):
    """The runner that was chosen can't be had; the text is a sentence."""


def make_runner(reactor: Any, settings: Settings, environment: Mapping[str, str], system_prompt: str) -> IRunner:
    """The runner of that kind. Raises NoRunner."""
    if settings.kind == CLAUDE:
        return _claude(reactor, settings, environment, system_prompt)
    return CommandRunner(reactor, Command(reactor, settings.command), settings.turn_seconds)


def _claude(reactor: Any, settings: Settings, environment: Mapping[str, str], system_prompt: str) -> IRunner:
    """The `claude` CLI, with the hive's tools for a server of its own and the prompt in a file."""
    from hyperhive.agent.claude.runner import ClaudeRunner
    from hyperhive.agent.claude.settings import Settings as ClaudeSettings

    notes = Path(environment.get("HIVE_STATE_DIR") or Path.cwd())
    own = notes / OWN
    prompt = own / "system-prompt.md"
    tools = str(Path(sys.executable).with_name("hive-agent"))
    try:
        own.mkdir(mode=0o700, parents=True, exist_ok=True)
        prompt.write_text(system_prompt, encoding="utf-8")
    except OSError as error:
        raise NoRunner(f"the runner 'claude' needs the directory {own}: {error.strerror}") from error
    told = ClaudeSettings(
        environment=environment,
        state=own,
        directory=notes,
        credentials=Path(environment.get("HIVE_CREDENTIALS_DIR") or environment.get("HOME") or own),
        model=settings.model,
        tools=settings.tools,
        system_prompt=prompt,
        settings=_claude_settings(environment),
        servers={"hive": {"command": tools, "args": ["mcp"], "env": {"HIVE_SOCKET": environment["HIVE_SOCKET"]}}},
        turn_seconds=settings.turn_seconds,
    )
    return ClaudeRunner(reactor, told)


def _claude_settings(environment: Mapping[str, str]) -> Path | None:
    files = environment.get("HIVE_CONFIG_DIR")
    return path if files and (path := Path(files, CLAUDE_SETTINGS)).is_file() else None
