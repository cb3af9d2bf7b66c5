"""The daemon's configuration: made once, from the command line and an optional TOML file, and then fixed."""

from __future__ import annotations

import os
import shlex
import socket
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

import attrs
from attrs import frozen

from hyperhive.errors import StartupError
from hyperhive.layout import Layout
from hyperhive.limits import SOCKET_PATH_BYTES, MailLimits

BACKENDS: Final = ("local",)
LOG_FORMATS: Final = ("text", "json")
SHORTEST_PAUSE: Final = 0.1
LONGEST_PAUSE: Final = 86400


@frozen(kw_only=True)
class Config:
    """All that can be chosen. Commands are argument lists; None stands for what comes with hyperhive."""

    state_dir: Path
    run_dir: Path
    containers: str = "local"
    agent_command: tuple[str, ...] | None = None
    runner_command: tuple[str, ...] | None = None
    poll_interval: float = 10.0
    stop_grace: float = 10.0
    log_format: str = "text"
    stop_agents: bool = False
    hive: str = attrs.field(factory=socket.gethostname)
    domain: str | None = None
    home: str | None = None
    mail: MailLimits = MailLimits()

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
        settings[name.replace("-", "_")] = _checked(name.replace("-", "_"), value, f"--{name}")
    mail = {name: settings.pop(name) for name in _MAIL if name in settings}
    state = settings.setdefault("state_dir", _default_state(environment, root=root))
    settings.setdefault("run_dir", _default_run(environment, state, root=root))
    return Config(mail=MailLimits(**mail), **settings)


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
        if section in _SECTIONS and isinstance(value, dict):
            for name, item in value.items():
                setting = _SECTIONS[section].get(name.replace("-", "_"), "")
                settings[setting] = _checked(setting, item, f"'{key}.{name}' in {path}")
        else:
            settings[section] = _checked(section if section in _TOP else "", value, f"'{key}' in {path}")
    return settings


def _checked(setting: str, value: Any, where: str) -> Any:
    take = _SETTINGS.get(setting)
    if take is None:
        message = f"{where} is no setting of hyperhive; the settings are {', '.join(sorted(_SETTINGS))}"
        raise StartupError(message)
    try:
        return take(value)
    except (TypeError, ValueError) as error:
        message = f"{where} must be {error}"
        raise StartupError(message) from None


def _directory(value: Any) -> Path:
    if not isinstance(value, str) or not value:
        wanted = "the path of a directory"
        raise ValueError(wanted)
    return Path(value).expanduser().absolute()


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


def _flag(value: Any) -> bool:
    if not isinstance(value, bool):
        wanted = "true or false"
        raise TypeError(wanted)
    return value


_MAIL: Final[dict[str, Callable[[Any], Any]]] = {
    "max_inbox": _count,
    "inbox_bytes": _count,
    "lease_seconds": _count,
    "max_attempts": _count,
}
_TOP: Final[dict[str, Callable[[Any], Any]]] = {
    "state_dir": _directory,
    "run_dir": _directory,
    "containers": _one_of(*BACKENDS),
    "agent_command": _command,
    "poll_interval": _seconds,
    "stop_grace": _seconds,
    "log_format": _one_of(*LOG_FORMATS),
    "stop_agents": _flag,
    "hive": _text,
    "domain": _text,
    "home": _text,
}
_SETTINGS: Final = {**_TOP, **_MAIL, "runner_command": _command}
_SECTIONS: Final = {"agent": {"runner_command": "runner_command"}, "mail": {name: name for name in _MAIL}}
