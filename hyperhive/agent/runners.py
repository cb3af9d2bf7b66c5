"""The runner that was chosen, made from the settings."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

from hyperhive.agent.command import Command
from hyperhive.agent.command_runner import CommandRunner
from hyperhive.agent.runner import IRunner
from hyperhive.agent.settings import Settings
from hyperhive.agent_config import CLAUDE

CLAUDE_ROOM: Final = "hyperhive.agent.claude"
OWN: Final = ".hive-agent"
"""The directory among the agent's notes where its program keeps what it must know after a restart."""


class NoSuchRunner(Exception):
    """The runner that was chosen can't be had; the text is a sentence."""


def make_runner(reactor: Any, settings: Settings, environment: Mapping[str, str], system_prompt: str) -> IRunner:
    """The runner of that kind. Raises NoSuchRunner."""
    if settings.kind != CLAUDE:
        return CommandRunner(Command(reactor, settings.command))
    if find_spec(CLAUDE_ROOM) is None:
        raise NoSuchRunner(
            "this hyperhive has no runner 'claude'; configure the runner 'command', or install a newer one"
        )
    return _claude(reactor, settings, environment, system_prompt)


def _claude(reactor: Any, settings: Settings, environment: Mapping[str, str], system_prompt: str) -> IRunner:
    """The `claude` CLI, with the hive's tools for a server of its own and the prompt in a file."""
    room = import_module(f"{CLAUDE_ROOM}.runner")
    notes = Path(environment.get("HIVE_STATE_DIR") or Path.cwd())
    own = notes / OWN
    try:
        own.mkdir(mode=0o700, parents=True, exist_ok=True)
        prompt = own / "system-prompt.md"
        prompt.write_text(system_prompt, encoding="utf-8")
    except OSError as error:
        raise NoSuchRunner(f"the runner 'claude' needs the directory {own}: {error.strerror}") from error
    program = str(Path(sys.executable).with_name("hive-agent"))
    tools = {"command": program, "args": ["mcp"], "env": {"HIVE_SOCKET": environment.get("HIVE_SOCKET", "")}}
    told = import_module(f"{CLAUDE_ROOM}.settings").Settings(
        state=own,
        credentials=own,
        directory=notes,
        environment=environment,
        model=settings.model,
        system_prompt=prompt,
        servers={"hive": tools},
    )
    runner: IRunner = room.ClaudeRunner(reactor, told)
    return runner
