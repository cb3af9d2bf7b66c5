"""The runner that was chosen, made from the settings."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from importlib.util import find_spec
from typing import Any, Final

from hyperhive.agent.command import Command
from hyperhive.agent.command_runner import CommandRunner
from hyperhive.agent.runner import IRunner
from hyperhive.agent.settings import Settings
from hyperhive.agent_config import CLAUDE

CLAUDE_ROOM: Final = "hyperhive.agent.claude"


class NoSuchRunner(Exception):
    """The runner that was chosen can't be had; the text is a sentence."""


def make_runner(reactor: Any, settings: Settings, environment: Mapping[str, str], system_prompt: str) -> IRunner:
    """The runner of that kind. Raises NoSuchRunner."""
    if settings.kind == CLAUDE:
        return _claude(reactor, settings, environment, system_prompt)
    return CommandRunner(Command(reactor, settings.command))


def _claude(reactor: Any, settings: Settings, environment: Mapping[str, str], system_prompt: str) -> IRunner:
    if find_spec(CLAUDE_ROOM) is None:
        raise NoSuchRunner(
            "this hyperhive has no runner 'claude'; configure the runner 'command', or a newer hyperhive"
        )
    room = import_module(f"{CLAUDE_ROOM}.runner")
    runner: IRunner = room.ClaudeRunner(
        reactor, model=settings.model, system_prompt=system_prompt, environment=environment
    )
    return runner
