"""What may be set: every setting by its name, and what each takes."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Collection
from ipaddress import IPv4Interface, IPv4Network
from pathlib import Path
from typing import Any, Final

from hyperhive.errors import StartupError
from hyperhive.limits import NETWORKS, NO, ON_CRASH

BACKENDS: Final = ("local", "nspawn", "nixos")
LOG_FORMATS: Final = ("text", "json")
SHORTEST_PAUSE: Final = 0.1
LONGEST_PAUSE: Final = 86400
LEAST_MEMORY: Final = 16 * 1024**2
"""Bytes; what a container itself and a shell in it need."""
LEAST_TASKS: Final = 16


def checked(setting: str, value: Any, where: str, known: Collection[str]) -> Any:
    """`value` as that setting takes it, if it is one of the `known` there.

    Raises StartupError, saying `where` it stood and what would do.
    """
    if setting not in known:
        raise StartupError(_no_setting(setting, where))
    try:
        return SETTINGS[setting](value)
    except (TypeError, ValueError) as error:
        message = f"{where} must be {error}"
        raise StartupError(message) from None


def _no_setting(setting: str, where: str) -> str:
    sections = [f"[{section}]" for section, names in SECTIONS.items() if setting in names]
    if setting in TOP:
        return f"{where} is no setting of hyperhive: '{setting}' belongs at the top, before any [table]"
    if sections:
        return f"{where} is no setting of hyperhive: '{setting}' belongs under {sections[0]}"
    places = [", ".join(sorted(TOP)), *(f"[{name}] {', '.join(names)}" for name, names in SECTIONS.items())]
    return f"{where} is no setting of hyperhive; the settings are {'; '.join(places)}; [agents.NAME] restart"


def _path_of(wanted: str) -> Callable[[Any], Path]:
    def take(value: Any) -> Path:
        if not isinstance(value, str) or not value:
            raise ValueError(f"the path of {wanted}")
        return Path(value).expanduser().absolute()

    return take


def _command(value: Any) -> tuple[str, ...]:
    wanted = "a command: a program and its arguments"
    if isinstance(value, list) and value and all(isinstance(item, str) for item in value):
        return tuple(value)
    try:
        words = tuple(shlex.split(value))
    except (AttributeError, TypeError, ValueError):
        words = ()
    if not words:
        raise ValueError(wanted)
    return words


def _seconds(value: Any) -> float:
    try:
        seconds = float(value)
    except (TypeError, ValueError):
        seconds = 0.0
    if isinstance(value, bool) or not SHORTEST_PAUSE <= seconds <= LONGEST_PAUSE:
        wanted = f"a number of seconds from {SHORTEST_PAUSE} to {LONGEST_PAUSE}"
        raise ValueError(wanted)
    return seconds


def _count(value: Any) -> int:
    written = "" if isinstance(value, bool) else str(value)
    if not (written.isascii() and written.isdigit() and len(written) <= 15 and int(written) > 0):
        wanted = "a whole number above 0, of at most 15 digits"
        raise ValueError(wanted)
    return int(written)


def _one_of(*choices: str) -> Callable[[Any], str]:
    def take(value: Any) -> str:
        if value not in choices:
            raise ValueError(" or ".join(repr(choice) for choice in choices))
        return str(value)

    return take


def _text(value: Any) -> str:
    if not isinstance(value, str) or not value:
        wanted = "a text"
        raise ValueError(wanted)
    return value


def _flake(value: Any) -> str:
    if not isinstance(value, str) or not re.fullmatch(r"(/|[a-z][a-z0-9+.-]*:)[^\s\"]*", value):
        wanted = "a flake, as an absolute path or a URL, such as '/etc/hyperhive/flake#default'"
        raise ValueError(wanted)
    return value


def _subnet(value: Any) -> IPv4Network:
    wanted = "an IPv4 network of at least 65536 private addresses, such as '10.215.0.0/16'"
    try:
        written = IPv4Interface(value if isinstance(value, str) else "")
    except ValueError:
        raise ValueError(wanted) from None
    subnet = written.network
    if written.ip != subnet.network_address:
        wanted = f"a network and no address in one: '{value}' lies in '{subnet}'"
        raise ValueError(wanted)
    if subnet.prefixlen > 16 or not subnet.is_private:
        raise ValueError(wanted)
    return subnet


def _memory(value: Any) -> int:
    if (memory := _bytes(value)) < LEAST_MEMORY:
        wanted = "at least '16M', or nothing can run"
        raise ValueError(wanted)
    return memory


def _tasks(value: Any) -> int:
    if (tasks := _count(value)) < LEAST_TASKS:
        wanted = f"at least {LEAST_TASKS}, or nothing can run"
        raise ValueError(wanted)
    return tasks


def _bytes(value: Any) -> int:
    units = {"": 1, "K": 1024, "M": 1024**2, "G": 1024**3, "T": 1024**4}
    written = re.fullmatch(r"([1-9][0-9]{0,11})([KMGT]?)", str(value))
    if written is None or isinstance(value, bool):
        wanted = "a size: a whole number of bytes, or of K, M, G or T, such as '4G'"
        raise ValueError(wanted)
    return int(written[1]) * units[written[2]]


def _percent(value: Any) -> int:
    written = re.fullmatch(r"([1-9][0-9]{0,5})%", str(value))
    if written is None:
        wanted = "a share of one processor, such as '50%', or '200%' for two of them"
        raise ValueError(wanted)
    return int(written[1])


def _flag(value: Any) -> bool:
    if not isinstance(value, bool):
        wanted = "true or false"
        raise TypeError(wanted)
    return value


MAIL: Final[dict[str, Callable[[Any], Any]]] = {
    "max_inbox": _count,
    "inbox_bytes": _count,
    "lease_seconds": _count,
    "max_attempts": _count,
}
TOP: Final[dict[str, Callable[[Any], Any]]] = {
    "state_dir": _path_of("a directory"),
    "run_dir": _path_of("a directory"),
    "containers": _one_of(*BACKENDS),
    "agent_command": _command,
    "poll_interval": _seconds,
    "stop_grace": _seconds,
    "log_format": _one_of(*LOG_FORMATS),
    "stop_agents": _flag,
    "group": _text,
    "hive": _text,
    "domain": _text,
    "home": _text,
}
RESTART: Final[dict[str, Callable[[Any], Any]]] = {
    "policy": _one_of(NO, ON_CRASH),
    "manager": _one_of(NO, ON_CRASH),
    "attempts": _count,
    "window": _seconds,
    "pause": _seconds,
    "longest_pause": _seconds,
}
NSPAWN: Final[dict[str, Callable[[Any], Any]]] = {
    "image": _path_of("a directory or of a tarball"),
    "user": _text,
    "network": _one_of(*NETWORKS),
    "subnet": _subnet,
    "memory": _memory,
    "cpu": _percent,
    "tasks": _tasks,
}
NIXOS: Final[dict[str, Callable[[Any], Any]]] = {"flake": _flake}
SETTINGS: Final = {
    **TOP,
    **MAIL,
    **RESTART,
    **NSPAWN,
    **NIXOS,
    "runner_command": _command,
    "restart": _one_of(NO, ON_CRASH),
}
SECTIONS: Final = {
    "agent": ("runner_command",),
    "mail": tuple(MAIL),
    "restart": tuple(RESTART),
    "nspawn": tuple(NSPAWN),
    "nixos": tuple(NIXOS),
}
OF_AN_AGENT: Final = ("restart",)
"""What can be set for one agent, under `[agents.<name>]`."""
