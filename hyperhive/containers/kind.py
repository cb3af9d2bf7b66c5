"""What differs between the kinds of machines that agents run in."""

from __future__ import annotations

from typing import ClassVar, Protocol

from hyperhive.containers.network import Network
from hyperhive.containers.starts import Start

START_SECONDS = 90.0


class Kind(Protocol):
    """What differs between the kinds of machines. Each may raise ContainerError."""

    kind: ClassVar[str]
    isolates: ClassVar[bool]
    longest_name: ClassVar[int]
    network: Network

    def unit(self, name: str) -> str:
        """The systemd unit that holds the agent's machine."""

    def owns(self, start: Start, uid: int) -> bool:
        """Whether that user of the host can live in the machine of that start."""

    async def start(self, name: str, start: Start) -> None:
        """Prepare the machine, and start its unit; returns when systemd says that it is started."""

    async def remove(self, name: str) -> None:
        """Take away what `start` made, of a machine that does not run."""


def told(name: str, start: Start) -> dict[str, str]:
    """What an agent's program is told of its place in the hive, by its environment."""
    return {
        "HIVE_SOCKET": "/run/hive/mcp.sock",
        "HIVE_AGENT": name,
        "HIVE_STATE_DIR": "/state",
        "HIVE_GENERATION": str(start.generation),
    }


def machine_name(name: str) -> str:
    """What machined calls the agent's machine."""
    return f"h-{name}"
