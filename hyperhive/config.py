"""The daemon's configuration: made once, from the command line and an optional TOML file, and then fixed."""

from __future__ import annotations

import os
import socket
import tomllib
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any, Final

import attrs
from attrs import frozen

from hyperhive.errors import StartupError
from hyperhive.layout import Layout
from hyperhive.limits import CONTEXT_TOKENS, LONGEST_NAME, SOCKET_PATH_BYTES, MachineSettings, MailLimits, RestartPolicy
from hyperhive.settings import MAIL, NSPAWN, OF_AN_AGENT, RESTART, SECTIONS, SETTINGS, TOP, checked
from hyperhive.wire.names import MANAGER, objection, shown

OPERATORS: Final = "hyperhive"
"""The group whose members operate a root's hive."""


@frozen(kw_only=True)
class Config:
    """All that can be chosen. Commands are argument lists; None stands for what comes with hyperhive."""

    state_dir: Path
    run_dir: Path
    containers: str = "local"
    agent_command: tuple[str, ...] | None = None
    runner: str | None = None
    runner_command: tuple[str, ...] | None = None
    model: str | None = None
    context_tokens: int = CONTEXT_TOKENS
    environment: Mapping[str, str] = attrs.field(factory=dict)
    poll_interval: float = 10.0
    stop_grace: float = 10.0
    log_format: str = "text"
    stop_agents: bool = False
    group: str | None = None
    hive: str = attrs.field(factory=socket.gethostname)
    domain: str | None = None
    home: str | None = None
    dashboard: str = "127.0.0.1:7000"
    dashboard_url: str | None = None
    notify_url: str | None = None
    mail: MailLimits = MailLimits()
    restart: RestartPolicy = RestartPolicy()
    nspawn: MachineSettings = MachineSettings()
    flake: str | None = None

    @property
    def layout(self) -> Layout:
        """Where everything is."""
        return Layout(state=self.state_dir, run=self.run_dir)


def configure(given: Mapping[str, str | bool], environment: Mapping[str, str], *, root: bool) -> Config:
    """The configuration from the options that were `given` (names with hyphens), the file they name, and defaults.

    Raises StartupError, naming the setting and what it takes.
    """
    options = dict(given)
    file = options.pop("config", None)
    settings: dict[str, Any] = {}
    if file:
        settings = _from_file(Path(str(file)))
    for name, value in options.items():
        settings[name.replace("-", "_")] = checked(name.replace("-", "_"), value, f"--{name}", SETTINGS)
    mail = {name: settings.pop(name) for name in MAIL if name in settings}
    nspawn = {name: settings.pop(name) for name in NSPAWN if name in settings}
    restart = _restart_policy(settings)
    settings["notify_url"] = settings.pop("url", None)
    state = settings.setdefault("state_dir", _default_state(environment, root=root))
    settings.setdefault("run_dir", _default_run(environment, state, root=root))
    settings.setdefault("group", OPERATORS if root else None)
    if settings.get("containers") == "nixos" and "flake" not in settings:
        message = (
            "the backend 'nixos' needs a flake to build containers from: "
            "set 'nixos.flake', such as \"/etc/hyperhive/flake#default\", in the file that --config names"
        )
        raise StartupError(message)
    return Config(mail=MailLimits(**mail), restart=restart, nspawn=MachineSettings(**nspawn), **settings)


def check_socket_paths(layout: Layout, longest_name: int) -> None:
    """Raises StartupError if a socket's path would be longer than Unix allows."""
    longest = len(os.fsencode(layout.agent_socket("x" * longest_name)))
    if longest > SOCKET_PATH_BYTES:
        room = SOCKET_PATH_BYTES - (longest - len(os.fsencode(layout.run)))
        message = (
            f"the run directory {layout.run} is too long for Unix sockets: it has "
            f"{len(os.fsencode(layout.run))} bytes, and at most {room} would do; name a shorter --run-dir"
        )
        raise StartupError(message)


def _default_state(environment: Mapping[str, str], *, root: bool) -> Path:
    if root:
        return Path("/var/lib/hyperhive")
    base = environment.get("XDG_STATE_HOME") or str(Path(environment.get("HOME") or "~").expanduser() / ".local/state")
    return Path(base) / "hyperhive"


def _default_run(environment: Mapping[str, str], state: Path, *, root: bool) -> Path:
    if root:
        return Path("/run/hyperhive")
    base = environment.get("XDG_RUNTIME_DIR")
    return Path(base) / "hyperhive" if base else state / "run"


def _restart_policy(settings: dict[str, Any]) -> RestartPolicy:
    """The policy, whose settings are taken out of all."""
    agents = {name: own["restart"] for name, own in settings.pop("agents", {}).items() if own}
    policy = RestartPolicy(agents=agents, **{name: settings.pop(name) for name in RESTART if name in settings})
    if policy.pause > policy.longest_pause:
        message = (
            f"'restart.pause' must be at most 'restart.longest_pause': {policy.pause:g} seconds are more "
            f"than {policy.longest_pause:g}"
        )
        raise StartupError(message)
    return policy


def _from_file(path: Path) -> dict[str, Any]:
    try:
        with path.open("rb") as file:
            content = tomllib.load(file)
    except OSError as error:
        message = f"the configuration {path} can't be read: {error.strerror}"
        raise StartupError(message) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        message = f"the configuration {path} is no TOML: {error}"
        raise StartupError(message) from error
    settings: dict[str, Any] = {}
    for key, value in content.items():
        section = key.replace("-", "_")
        if section in SECTIONS and isinstance(value, dict):
            settings |= _section(SECTIONS[section], value, key, path)
        elif section == "agents" and isinstance(value, dict):
            settings["agents"] = {name: _of_agent(name, own, path) for name, own in value.items()}
        else:
            settings[section] = checked(section, value, f"'{key}' in {path}", TOP)
    return settings


def _section(known: Collection[str], given: Mapping[str, Any], section: str, path: Path) -> dict[str, Any]:
    """What stands in one section of the file, which knows those settings."""
    settings = {}
    for name, value in given.items():
        setting = name.replace("-", "_")
        settings[setting] = checked(setting, value, f"'{section}.{name}' in {path}", known)
    return settings


def _of_agent(name: str, given: Any, path: Path) -> dict[str, Any]:
    """What the file says of one agent."""
    wrong = None if name == MANAGER else objection(name, LONGEST_NAME)
    if wrong is not None:
        message = f"{shown(f'agents.{name}')} in {path} can be about nobody: {wrong}"
        raise StartupError(message)
    if not isinstance(given, dict):
        message = f"'agents.{name}' in {path} must be a table; its settings are {', '.join(OF_AN_AGENT)}"
        raise StartupError(message)
    return _section(OF_AN_AGENT, given, f"agents.{name}", path)
