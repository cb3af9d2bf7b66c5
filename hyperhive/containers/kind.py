"""What differs between the kinds of machines that agents run in."""

from __future__ import annotations

from typing import ClassVar, Protocol

from hyperhive.containers.starts import Start

START_SECONDS = 90.0


class Kind(Protocol):
    """What differs between the kinds of machines. Each may raise ContainerError."""

    kind: ClassVar[str]
    isolates: ClassVar[bool]
    longest_name: ClassVar[int]

    def unit(self, name: str) -> str:
        """The systemd unit that holds the agent's machine."""

    def owns(self, start: Start, uid: int) -> bool:
        """Whether that user of the host can live in the machine of that start."""

    async def start(self, name: str, start: Start) -> None:
        """Prepare the machine, and start its unit; returns when systemd says that it is started."""

    async def connect(self, name: str, start: Start) -> None:
        """Join the machine, which is up, to its network; can be done again to the same effect."""

    async def remove(self, name: str) -> None:
        """Take away what `start` made, of a machine that does not run."""


def machine_name(name: str) -> str:
    """What machined calls the agent's machine."""
    return f"h-{name}"
