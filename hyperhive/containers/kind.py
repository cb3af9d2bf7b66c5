"""What differs between the kinds of machines that agents run in."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import ClassVar, Protocol

from attrs import define

from hyperhive.agent_config import AgentConfig
from hyperhive.boundaries import Plan
from hyperhive.containers.network import Network
from hyperhive.containers.starts import Start
from hyperhive.containers.system_bus import SystemBus
from hyperhive.layout import Layout
from hyperhive.limits import MachineSettings

START_SECONDS = 90.0
# No AF_VSOCK above all: it knows no network namespaces, and leads to the hypervisor.
ADDRESS_FAMILIES = ("AF_UNIX", "AF_INET", "AF_INET6", "AF_NETLINK")


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

    async def start(self, name: str, start: Start, plan: Plan) -> None:
        """Prepare the machine, and start its unit; returns when systemd says that it is started.

        Records what a visitor of the machine is (`visitors`), and with which environment.
        """

    async def remove(self, name: str) -> None:
        """Take away what `start` made, of a machine that does not run."""

    def objection(self, config: AgentConfig) -> str | None:
        """What of a configuration such a machine can't have, as a sentence; None if nothing."""

    async def fault(self, files: Mapping[str, bytes]) -> str | None:
        """What of a commit's files can't be read, as a sentence with file and line; None if nothing."""

    async def prepare(self, name: str, plan: Plan) -> None:
        """See that nothing is missing for a start by that plan, and do what takes long; what runs is left alone."""

    async def origin(self, plan: Plan) -> str:
        """What a machine by that plan would be made from now."""

    async def writer(self) -> tuple[int, int]:
        """Whose files the manager's are, as user and group on the host's disk."""


@define(eq=False, kw_only=True)
class Equipped:
    """What each kind is given. `commands` gives an agent's program and arguments inside the machine.

    `environment` is what the program is told beside its own place in the hive; `grace` as for `Machines`.
    """

    layout: Layout
    bus: SystemBus
    settings: MachineSettings
    network: Network
    commands: Callable[[str], Sequence[str]]
    environment: Mapping[str, str]
    grace: float


def machine_name(name: str) -> str:
    """What machined calls the agent's machine."""
    return f"h-{name}"
