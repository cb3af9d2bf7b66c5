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


class NoSuchRunner(Exception):
    """The runner that was chosen can't be had; the text is a sentence."""


def make_runner(reactor: Any, settings: Settings, environment: Mapping[str, str], system_prompt: str) -> IRunner:
    """The runner of that kind. Raises NoSuchRunner."""
    if settings.kind != CLAUDE:
        return CommandRunner(Command(reactor, settings.command))
    notes = Path(environment.get("HIVE_STATE_DIR") or Path.cwd())
    own = notes / OWN
    try:
        own.mkdir(mode=0o700, parents=True, exist_ok=True)
        prompt = own / "system-prompt.md"
        prompt.write_text(system_prompt, encoding="utf-8")
    except OSError as error:
        raise NoSuchRunner(f"the runner 'claude' needs the directory {own}: {error.strerror}") from error
    return _claude(reactor, settings, environment, notes, prompt)


def _claude(reactor: Any, settings: Settings, environment: Mapping[str, str], notes: Path, prompt: Path) -> IRunner:
    """The `claude` CLI, with the hive's tools for a server of its own and the prompt in a file."""
    from hyperhive.agent.claude.runner import ClaudeRunner
    from hyperhive.agent.claude.settings import TURN
    from hyperhive.agent.claude.settings import Settings as Told

    program = str(Path(sys.executable).with_name("hive-agent"))
    tools = {"command": program, "args": ["mcp"], "env": {"HIVE_SOCKET": environment.get("HIVE_SOCKET", "")}}
    told = Told(
        state=prompt.parent,
        credentials=settings.credentials or prompt.parent,
        directory=notes,
        environment=environment,
        config=settings.config,
        model=settings.model,
        tools=settings.tools,
        system_prompt=prompt,
        servers={"hive": tools},
        turn_seconds=settings.turn_seconds or TURN,
    )
    return ClaudeRunner(reactor, told)
