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

OWN: Final = ".hive"
"""The directory for what the runner remembers, beside the agent's own notes."""


def make_runner(reactor: Any, settings: Settings, environment: Mapping[str, str], system_prompt: str) -> IRunner:
    """The runner of that kind. Raises OSError where what it needs can't be written."""
    if settings.kind == CLAUDE:
        return _claude(reactor, settings, environment, system_prompt)
    return CommandRunner(Command(reactor, settings.command))


def _claude(reactor: Any, settings: Settings, environment: Mapping[str, str], system_prompt: str) -> IRunner:
    from hyperhive.agent.claude.runner import ClaudeRunner
    from hyperhive.agent.claude.settings import TURN
    from hyperhive.agent.claude.settings import Settings as Told

    notes = Path(environment["HIVE_STATE_DIR"])
    own = notes / OWN
    own.mkdir(exist_ok=True)
    prompt = own / "system-prompt.md"
    prompt.write_text(system_prompt)
    told = Told(
        state=own,
        credentials=settings.credentials or notes,
        directory=notes,
        environment=environment,
        config=settings.config,
        model=settings.model,
        tools=settings.tools,
        system_prompt=prompt,
        servers={"hive": {"command": sys.executable, "args": ["-m", "hyperhive.agent", "mcp"]}},
        turn_seconds=settings.turn_seconds or TURN,
    )
    return ClaudeRunner(reactor, told)
