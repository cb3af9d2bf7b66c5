"""The backend that was chosen, made from the configuration."""

from __future__ import annotations

import os
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hyperhive.boundaries import IContainers
from hyperhive.config import Config
from hyperhive.containers.local import LocalContainers
from hyperhive.limits import LONGEST_NAME, NIXOS_LONGEST_NAME

if TYPE_CHECKING:
    from hyperhive.containers.kind import Kind


def longest_name(config: Config) -> int:
    """How many characters an agent's name may have with that backend; known before it is made."""
    return NIXOS_LONGEST_NAME if config.containers == "nixos" else LONGEST_NAME


def make_containers(reactor: Any, config: Config, soft_files: int) -> IContainers:
    """The backend that the configuration names."""
    if config.containers == "local":
        command = config.agent_command or (str(Path(sys.executable).with_name("hive-agent")), "serve")
        path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)])
        return LocalContainers(
            reactor,
            config.layout,
            lambda _: command,
            {"PATH": path, **_told(config)},
            grace=config.stop_grace,
            soft_files=soft_files,
        )
    return _machines(reactor, config)


def _machines(reactor: Any, config: Config) -> IContainers:
    # With these comes txdbus, which the local backend does without.
    from hyperhive.containers.machines import Machines
    from hyperhive.containers.network import Network
    from hyperhive.containers.system_bus import SystemBus

    bus = SystemBus(reactor)
    network = Network(reactor, bus, config.nspawn.network, config.nspawn.subnet)
    equipment = {
        "reactor": reactor,
        "layout": config.layout,
        "bus": bus,
        "settings": config.nspawn,
        "network": network,
        "commands": lambda _: config.agent_command or ("hive-agent", "serve"),
        "environment": _told(config),
        "grace": config.stop_grace,
    }
    kind = _nixos(config, equipment) if config.containers == "nixos" else _nspawn(reactor, config, equipment)
    return Machines(reactor, config.layout, bus, kind, config.stop_grace)


def _nspawn(reactor: Any, config: Config, equipment: dict[str, Any]) -> Kind:
    from hyperhive.containers.image_source import ImageSource
    from hyperhive.containers.nspawn import Nspawn
    from hyperhive.containers.tarball import Unpacked

    path = config.nspawn.image or config.layout.image
    image = ImageSource(reactor, path, Unpacked(reactor, config.layout.state / "images"))
    return Nspawn(image=image, **equipment)


def _nixos(config: Config, equipment: dict[str, Any]) -> Kind:
    from hyperhive.containers.nixos import Nixos

    assert config.flake is not None  # or it would not be a configuration
    return Nixos(flake=config.flake, **equipment)


def _told(config: Config) -> dict[str, str]:
    """What an agent's program is told by its environment, beside its own place in the hive."""
    said = {
        "HIVE_RUNNER": config.runner,
        "HIVE_MODEL": config.model,
        "HIVE_CONTEXT_TOKENS": str(config.context_tokens),
        "HIVE_STOP_GRACE": f"{config.stop_grace:g}",
    }
    if config.runner_command is not None:
        said["HIVE_RUNNER_COMMAND"] = shlex.join(config.runner_command)
    ours = {name: value for name, value in said.items() if value is not None}
    return {**config.environment, **ours}
