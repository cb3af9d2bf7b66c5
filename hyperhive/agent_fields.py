"""What each setting of `agent.toml` takes. Readers raise ValueError or TypeError with the words after "must be"."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Mapping
from typing import Any, Final

from hyperhive import mounts, quantities
from hyperhive.agent_config import ASK, OURS, RUNNERS, AgentConfig, Health, Limits, MailRules, Mount, Rate, Runner
from hyperhive.limits import LONGEST_NAME, NETWORKS, NO, ON_CRASH
from hyperhive.wire.names import EVERYONE, MANAGER, OPERATOR, objection

MOST_VARIABLES: Final = 128
ENVIRONMENT_BYTES: Final = 32 * 1024
"""Of all names and values together."""
MOST_MOUNTS: Final = 32
MOST_RECIPIENTS: Final = 1024
COMMAND_BYTES: Final = 16 * 1024
"""As a shell writes it: longer ones fit into no variable of an environment."""
LONGEST_MODEL: Final = 200
MOST_TOOLS: Final = 128
LONGEST_TOOL: Final = 200
LONGEST_TURN: Final = 86_400
MOST_MEMORY: Final = 1024 * 1024**4
MOST_MESSAGES: Final = 10_000
LONGEST_RATE: Final = 86_400
LONGEST_HEALTH: Final = 3600

_VARIABLE: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_TOOL: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*(\([^()]*\))?")
_CONTROL: Final = re.compile(r"[\0-\x08\x0a-\x1f\x7f\ufdd0-\ufdef\ufffe\uffff]")
"""What systemd takes in no value, and line breaks, which a list of variables has between them."""


class Inside(ValueError):
    """What is wrong stands inside the value, at `where`."""

    def __init__(self, wanted: str, *where: str | int) -> None:
        super().__init__(wanted)
        self.where = where


def _whole(least: int, most: int) -> Callable[[Any], int]:
    def take(value: Any) -> int:
        if value.__class__ is not int or not least <= value <= most:
            raise ValueError(f"a whole number from {least} to {most}")
        return int(value)

    return take


def _memory(value: Any) -> int:
    if (memory := quantities.memory(value)) > MOST_MEMORY:
        raise ValueError("at most '1024T'")
    return memory


def _tasks(value: Any) -> int:
    # A command line has only texts, and the daemon's settings take them; here a number is a number.
    return quantities.tasks(None if isinstance(value, str) else value)


def _window(value: Any) -> float:
    return quantities.seconds(value if isinstance(value, int | float) else None, least=1, most=LONGEST_HEALTH)


def _command(value: Any) -> tuple[str, ...]:
    words = quantities.command(value)
    if not words[0] or any("\0" in word for word in words) or len(shlex.join(words).encode()) > COMMAND_BYTES:
        raise ValueError(f"a command: a program and its arguments, without NUL, of at most {COMMAND_BYTES} bytes")
    return words


def _model(value: Any) -> str:
    if not isinstance(value, str) or not 0 < len(value) <= LONGEST_MODEL or not value.isprintable():
        raise ValueError(f"a text of 1 to {LONGEST_MODEL} characters, all of them printable")
    return value


def _tools(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list):
        raise TypeError("a list of tools, such as 'Read' or 'Bash(git *)'")
    if len(value) > MOST_TOOLS:
        raise ValueError(f"a list of at most {MOST_TOOLS} tools")
    for index, rule in enumerate(value):
        if not isinstance(rule, str) or len(rule) > LONGEST_TOOL or not rule.isprintable() or not _TOOL.fullmatch(rule):
            wanted = (
                f"a tool's name, such as 'Read', or a name and a rule, such as 'Bash(git *)', of up to {LONGEST_TOOL}"
            )
            raise Inside(f"{wanted} characters", index)
    return tuple(value)


def _auto_update(value: Any) -> bool | str:
    if not isinstance(value, bool) and value != ASK:
        raise ValueError(f"true, false or '{ASK}'")
    return ASK if value == ASK else bool(value)


def _environment(value: Any) -> Mapping[str, str]:
    if not isinstance(value, dict):
        raise TypeError("a table of texts")
    if len(value) > MOST_VARIABLES:
        raise ValueError(f"at most {MOST_VARIABLES} variables")
    for name, said in value.items():
        if not _VARIABLE.fullmatch(name):
            raise Inside("named with letters, digits and '_', and no digit first", name)
        if name.startswith(OURS):
            raise Inside(f"named otherwise: what begins with {OURS} is the hive's own", name)
        if not isinstance(said, str) or _CONTROL.search(said):
            raise Inside("a text without line breaks and control characters other than tabs", name)
    if sum(len(name) + len(said.encode()) for name, said in value.items()) > ENVIRONMENT_BYTES:
        raise ValueError(f"at most {ENVIRONMENT_BYTES} bytes, names and values together")
    return value


def _recipients(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list):
        raise TypeError(f"a list of agents' names, '{MANAGER}', '{OPERATOR}' or '{EVERYONE}'")
    if len(value) > MOST_RECIPIENTS:
        raise ValueError(f"a list of at most {MOST_RECIPIENTS} names")
    seen: set[str] = set()
    for index, name in enumerate(value):
        if not isinstance(name, str) or (
            name not in {MANAGER, OPERATOR, EVERYONE} and objection(name, LONGEST_NAME) is not None
        ):
            raise Inside(f"an agent's name, '{MANAGER}', '{OPERATOR}' or '{EVERYONE}'", index)
        if name in seen:
            raise Inside(f"another name: '{name}' is in the list already", index)
        seen.add(name)
    return tuple(value)


def told_apart(shown: tuple[Mount, ...]) -> tuple[Mount, ...]:
    """Those mounts, of which none hides another. Raises Inside, naming the later of two that do not go together."""
    for index, mount in enumerate(shown):
        for before, other in enumerate(shown[:index]):
            if mount.target.is_relative_to(other.target) or other.target.is_relative_to(mount.target):
                wanted = f"neither at, below nor above the target of 'mounts[{before}]', '{other.target}'"
                raise Inside(wanted, index, "target")
    return shown


Readers = Mapping[str, Callable[[Any], Any]]
READERS: Final[Mapping[type[Any], Readers]] = {
    AgentConfig: {
        "network": quantities.one_of(*NETWORKS),
        "restart": quantities.one_of(NO, ON_CRASH),
        "auto_update": _auto_update,
        "image": mounts.image,
        "environment": _environment,
    },
    Runner: {
        "kind": quantities.one_of(*RUNNERS),
        "command": _command,
        "model": _model,
        "tools": _tools,
        "turn_seconds": _whole(1, LONGEST_TURN),
    },
    Limits: {"memory": _memory, "cpu": quantities.percent, "tasks": _tasks},
    Mount: {"source": mounts.absolute, "target": mounts.target, "writable": quantities.flag},
    MailRules: {"recipients": _recipients},
    Rate: {"messages": _whole(1, MOST_MESSAGES), "seconds": _whole(1, LONGEST_RATE)},
    Health: {"window": _window, "command": _command},
}
"""By class and field. A field that is missing here is a table, or an array of them, with a class of its own."""
