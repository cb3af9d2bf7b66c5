"""What may be set: every setting by its name, and what each takes."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from ipaddress import IPv4Interface, IPv4Network
from pathlib import Path
from typing import Any, Final

from hyperhive.agent_config import RUNNERS, AgentConfig
from hyperhive.agent_fields import READERS, Inside
from hyperhive.errors import StartupError
from hyperhive.limits import NETWORKS, NO, ON_CRASH
from hyperhive.origins import origin
from hyperhive.quantities import command, count, flag, memory, one_of, percent, seconds, tasks, text

BACKENDS: Final = ("local", "nspawn", "nixos")
LOG_FORMATS: Final = ("text", "json")


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


def _flake(value: Any) -> str:
    if not isinstance(value, str) or not re.fullmatch(r"(/|[a-z][a-z0-9+.-]*:)[^\s\"]*", value):
        wanted = "a flake, as an absolute path or a URL, such as '/etc/hyperhive/flake#default'"
        raise ValueError(wanted)
    return value


def _listening(value: Any) -> str:
    """Where the console listens."""
    places = r"off|(\[[0-9a-fA-F:.]+\]|[^:\s\[\]]+):[0-9]{1,5}|[a-z][a-z0-9]*:\S+"
    if not isinstance(value, str) or not re.fullmatch(places, value):
        wanted = (
            "an address and a port such as '127.0.0.1:7000', an endpoint such as 'unix:/run/console.sock', or 'off'"
        )
        raise ValueError(wanted)
    return value


def _origin(value: Any) -> str:
    """The address of a site as browsers write it: without a path, nor the port that goes without saying."""
    written = value.lower().rstrip("/") if isinstance(value, str) else ""
    site = re.fullmatch(r"(http|https)://([a-z0-9.-]+|\[[0-9a-f:]+\])(?::([0-9]{1,5}))?", written)
    if site is None:
        wanted = "the address that browsers call the console by, without a path, such as 'https://hive.example.org'"
        raise ValueError(wanted)
    scheme, host, port = site.groups()
    return origin(scheme, host, None if port is None else int(port))


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


MAIL: Final[dict[str, Callable[[Any], Any]]] = {
    "max_inbox": count,
    "inbox_bytes": count,
    "lease_seconds": count,
    "max_attempts": count,
    "thread_hops": count,
    "thread_rate": count,
    "thread_seconds": count,
}
TOP: Final[dict[str, Callable[[Any], Any]]] = {
    "state_dir": _path_of("a directory"),
    "run_dir": _path_of("a directory"),
    "containers": one_of(*BACKENDS),
    "agent_command": command,
    "poll_interval": seconds,
    "stop_grace": seconds,
    "log_format": one_of(*LOG_FORMATS),
    "stop_agents": flag,
    "group": text,
    "hive": text,
    "domain": text,
    "home": text,
    "dashboard": _listening,
    "dashboard_url": _origin,
}


def _web_address(value: Any) -> str:
    if not isinstance(value, str) or not re.fullmatch(r"https?://[^\s/]+(/\S*)?", value):
        raise ValueError("an address that begins with http:// or https://")
    return value


def _environment(value: Any) -> Mapping[str, str]:
    """Variables as an agent's own configuration takes them."""
    try:
        taken: Mapping[str, str] = READERS[AgentConfig]["environment"](value)
    except Inside as wrong:
        name = ".".join(map(str, wrong.where))
        raise ValueError(f"a table of variables, and of these {name!r} must be {wrong}") from None
    return taken


AGENT: Final[dict[str, Callable[[Any], Any]]] = {
    "runner": one_of(*RUNNERS),
    "runner_command": command,
    "model": text,
    "context_tokens": count,
    "environment": _environment,
}
NOTIFY: Final[dict[str, Callable[[Any], Any]]] = {"url": _web_address}
RESTART: Final[dict[str, Callable[[Any], Any]]] = {
    "policy": one_of(NO, ON_CRASH),
    "manager": one_of(NO, ON_CRASH),
    "attempts": count,
    "window": seconds,
    "pause": seconds,
    "longest_pause": seconds,
}
NSPAWN: Final[dict[str, Callable[[Any], Any]]] = {
    "image": _path_of("a directory or of a tarball"),
    "user": text,
    "network": one_of(*NETWORKS),
    "subnet": _subnet,
    "memory": memory,
    "cpu": percent,
    "tasks": tasks,
}
NIXOS: Final[dict[str, Callable[[Any], Any]]] = {"flake": _flake}
SETTINGS: Final = {
    **TOP,
    **MAIL,
    **RESTART,
    **NSPAWN,
    **NIXOS,
    **AGENT,
    **NOTIFY,
    "restart": one_of(NO, ON_CRASH),
}
SECTIONS: Final = {
    "agent": tuple(AGENT),
    "mail": tuple(MAIL),
    "restart": tuple(RESTART),
    "notify": tuple(NOTIFY),
    "nspawn": tuple(NSPAWN),
    "nixos": tuple(NIXOS),
}
OF_AN_AGENT: Final = ("restart",)
"""What can be set for one agent, under `[agents.<name>]`."""
