"""What stands in the files that the `nixos` backend writes: the container's `.conf`, its drop-in, the environment.

The container's unit reads the `.conf` as an EnvironmentFile=, and splits EXTRA_NSPAWN_FLAGS at every space with no way
to quote one: words with anything special in them are refused here rather than passed on broken.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from hyperhive.agent_config import Mount
from hyperhive.containers.kind import ADDRESS_FAMILIES
from hyperhive.errors import ContainerError
from hyperhive.limits import HOST_NETWORK, MachineSettings

ADDRESSES = ("HOST_ADDRESS", "LOCAL_ADDRESS", "HOST_ADDRESS6", "LOCAL_ADDRESS6", "HOST_BRIDGE", "HOST_PORT")
_PLAIN = re.compile(r"[A-Za-z0-9@%+=:,./_-]+")


def conf(network: str, flags: Sequence[str]) -> str:
    """The container's `.conf`. Raises ContainerError for a flag that can't be passed on."""
    for flag in flags:
        if not _PLAIN.fullmatch(flag):
            raise ContainerError(
                f"{flag!r} can't be passed on by nixos-container, which takes letters, digits and '@%+=:,./_-' alone; "
                "choose paths without others"
            )
    return "\n".join(
        [
            "# hyperhive's, written before each start of the container.",
            f"PRIVATE_NETWORK={0 if network == HOST_NETWORK else 1}",
            *(f"{setting}=" for setting in ADDRESSES),
            "AUTO_START=0",
            f'EXTRA_NSPAWN_FLAGS="{" ".join(flags)}"',
            "",
        ]
    )


def bound(source: Path, target: str, *, writable: bool = False) -> str:
    """The flag that mounts a directory or a file. Raises ContainerError for a path that can't be passed on."""
    if ":" in str(source):
        raise ContainerError(f"{str(source)!r} can't be mounted by nixos-container: choose a directory without ':'")
    return f"--bind{'' if writable else '-ro'}={source}:{target}"


def objection(mounts: Sequence[Mount]) -> str | None:
    """The sentence that a mount can't be passed on; None if all can be."""
    for path in (str(path) for mount in mounts for path in (mount.source, mount.target)):
        if ":" in path or not _PLAIN.fullmatch(path):
            return (
                f"'mounts' can't have the path {path!r}: nixos-container takes letters, digits and '@%+=,./_-' alone; "
                "choose a path without others"
            )
    return None


def drop_in(settings: MachineSettings, grace: float) -> str:
    """What hyperhive changes of the container's unit: limits, and that it alone starts what has ended."""
    lines = [
        "# hyperhive's, written before a start of the container, and taken away with it.",
        "[Unit]",
        # When the host stops, the daemon ends first, and sees no crash.
        "Before=hyperhive.service",
        "[Service]",
        # What systemd-nspawn itself says is told from what it passes on, and believed.
        "Environment=SYSTEMD_LOG_TARGET=journal",
        "SyslogLevelPrefix=no",
        # Nobody but hyperhive starts it again, not after a reboot from inside either.
        "Restart=no",
        "RestartForceExitStatus=",
        f"TimeoutStopSec={grace:g}",
        "OOMPolicy=continue",
        f"RestrictAddressFamilies={' '.join(ADDRESS_FAMILIES)}",
    ]
    if settings.memory is not None:
        lines.append(f"MemoryMax={settings.memory}")
    if settings.cpu is not None:
        lines.append(f"CPUQuota={settings.cpu}%")
    if settings.tasks is not None:
        lines.append(f"TasksMax={settings.tasks}")
    return "\n".join([*lines, ""])


def environment(told: Mapping[str, str]) -> str:
    """Variables as both a unit's EnvironmentFile= and a shell read them."""
    return "".join(f'{key}="{_escaped(value)}"\n' for key, value in told.items())


def _escaped(value: str) -> str:
    return re.sub(r'(["\\$`])', r"\\\1", value)
