"""The `nspawn` backend's machines: transient units that run systemd-nspawn on one shared, read-only image.

Everything stands in the command line and in the unit's properties: no unit file, no `.nspawn` file, nothing to reload
and nothing to take away. What an agent changes in its root goes to an overlay of its own, which each start begins
anew; what is kept is `/state` and the home of its user (docs/decisions/018).
"""

from __future__ import annotations

import stat
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

from attrs import define

from hyperhive import __version__
from hyperhive.agent_config import AgentConfig
from hyperhive.boundaries import Plan
from hyperhive.containers import slots, visitors
from hyperhive.containers.commands import run
from hyperhive.containers.files import own, own_kept
from hyperhive.containers.image import Image, User
from hyperhive.containers.image_source import ImageSource
from hyperhive.containers.kind import ADDRESS_FAMILIES, START_SECONDS, Equipped, machine_name
from hyperhive.containers.mounting import Bind, check_sources, shown
from hyperhive.containers.plans import IN_A_MACHINE, limited, told
from hyperhive.containers.starts import Start
from hyperhive.containers.system_bus import exec_start
from hyperhive.containers.tarball import IReactor
from hyperhive.containers.visitors import Visitor
from hyperhive.limits import LONGEST_NAME, MachineSettings

# Of those that systemd-nspawn leaves to a container's root, the ones that installing and running programs don't need.
DROPPED_CAPABILITIES = (
    "CAP_AUDIT_CONTROL,CAP_IPC_OWNER,CAP_LEASE,CAP_LINUX_IMMUTABLE,CAP_MKNOD,CAP_NET_ADMIN,CAP_NET_BROADCAST,"
    "CAP_NET_RAW,CAP_SYS_ADMIN,CAP_SYS_BOOT,CAP_SYS_NICE,CAP_SYS_PTRACE,CAP_SYS_RESOURCE,CAP_SYS_TTY_CONFIG"
)
POWER_OFF = "SIGRTMIN+4"
"""What nspawn's own first process takes for: send SIGTERM to the program, and end when that has."""


@define(eq=False, kw_only=True)
class Nspawn(Equipped):
    """Makes machines of systemd-nspawn, on the image or on that which an agent's configuration names."""

    kind: ClassVar[str] = "nspawn"
    isolates: ClassVar[bool] = True
    longest_name: ClassVar[int] = LONGEST_NAME

    reactor: IReactor
    image: ImageSource

    def unit(self, name: str) -> str:
        """The systemd unit that holds the agent's machine."""
        return f"hyperhive-{name}.service"

    def owns(self, start: Start, uid: int) -> bool:
        """Whether that user of the host lives in the machine: no other machine has the same ones."""
        return slots.holds(start.slot, uid)

    async def start(self, name: str, start: Start, plan: Plan) -> None:
        """Lay out the machine's root, and start its unit. Raises ContainerError."""
        await check_sources(self.reactor, self.layout, plan)
        await self.network.of(start.network).check()
        await self.remove(name)
        async with self._source(plan).held() as image:
            words = [*self._laid_out(name, start, plan, image), *self.commands(name)]
            properties = list(self._properties(name, words, limited(self.settings, plan.config.limits)))
            await self.bus.start_transient(self.unit(name), properties, START_SECONDS)

    async def remove(self, name: str) -> None:
        """Take away what the agent changed in its root. Raises ContainerError."""
        await run(self.reactor, "rm", "-rf", "--one-file-system", "--", str(self._upper(name)), seconds=600)

    async def prepare(self, name: str, plan: Plan) -> None:
        """See that what is to be mounted, the network and the image are there. Raises ContainerError."""
        await check_sources(self.reactor, self.layout, plan)
        await self.network.of(plan.config.network).check()
        async with self._source(plan).held():
            pass

    def objection(self, config: AgentConfig) -> str | None:
        """Nothing: such a machine can have all of it. A NixOS module is none of its business."""
        return None

    async def fault(self, files: Mapping[str, bytes]) -> str | None:
        """Nothing: no file but `agent.toml` is read here."""
        return None

    async def origin(self, plan: Plan) -> str:
        """Our version, and which image is there. Raises ContainerError."""
        return f"hyperhive {__version__}; {self._source(plan).identity()}"

    async def writer(self) -> tuple[int, int]:
        """The user of the hive's image: what is lent to a machine has the owners that the machine sees."""
        async with self.image.held() as image:
            user = image.user(self.settings.user)
        return user.uid, user.gid

    def _source(self, plan: Plan) -> ImageSource:
        return self.image if plan.config.image is None else self.image.at(plan.config.image)

    def _upper(self, name: str) -> Path:
        return self.layout.runtime(name) / "root"

    def _laid_out(self, name: str, start: Start, plan: Plan, image: Image) -> Sequence[str]:
        """Make ready what the machine is made of; returns the command line of systemd-nspawn, but for the program."""
        user = image.user(self.settings.user)
        directories = image.directories()
        first = slots.first_uid(start.slot)
        for directory in directories:
            # At its top an overlay shows the owner and the mode of its upper directory.
            like = (image.root / directory).stat()
            own(self._upper(name) / directory, first + like.st_uid, first + like.st_gid, stat.S_IMODE(like.st_mode))
        own_kept(self.layout, name, user.uid, user.gid, like_the_managers=plan.config.image is None)
        variables = told(self.environment, plan, name, start.generation, IN_A_MACHINE)
        visitors.put(self.layout.runtime(name), Visitor.like(user, variables))
        return [
            *self._options(name, start, image, user),
            *self.network.of(start.network).options(),
            *(_bound(bind) for bind in shown(self.layout, name, plan, user.home)),
            *(f"--setenv={key}={value}" for key, value in variables.items()),
        ]

    def _options(self, name: str, start: Start, image: Image, user: User) -> Iterator[str]:
        yield from ("/usr/bin/systemd-nspawn", "--quiet", "--keep-unit", "--register=yes", "--settings=no")
        yield from ("--as-pid2", "--console=pipe", "--link-journal=no", "--timezone=off")
        yield from (f"--machine={machine_name(name)}", f"--kill-signal={POWER_OFF}")
        yield from (f"--user={user.name}", "--chdir=/state", f"--drop-capability={DROPPED_CAPABILITIES}")
        yield from (f"--directory={image.root}", "--read-only")
        for directory in image.directories():
            yield f"--overlay=+/{directory}:{_escaped(self._upper(name) / directory)}:/{directory}"
        yield f"--private-users={slots.first_uid(start.slot)}:{slots.UIDS}"
        yield "--private-users-ownership=map"

    def _properties(self, name: str, words: Sequence[str], settings: MachineSettings) -> Iterator[tuple[str, str, Any]]:
        """The unit's properties, as (name, D-Bus signature, value)."""
        yield "Description", "s", f"agent {name} of hyperhive"
        yield "Type", "s", "notify"
        yield exec_start(words)
        yield "Environment", "as", ["SYSTEMD_LOG_TARGET=journal"]  # apart from what the agent prints, and beyond it
        yield "SyslogLevelPrefix", "b", False
        yield "Slice", "s", "machine.slice"
        yield "Delegate", "b", True
        yield "KillMode", "s", "mixed"
        yield "TimeoutStopUSec", "t", int(self.grace * 1_000_000)
        yield "OOMPolicy", "s", "continue"  # the kernel may end one of an agent's programs without ending the agent
        yield "DevicePolicy", "s", "closed"
        yield "DeviceAllow", "a(ss)", [("char-pts", "rw")]
        yield "RestrictAddressFamilies", "(bas)", (True, list(ADDRESS_FAMILIES))
        yield "Before", "as", ["hyperhive.service"]  # when the host stops, the daemon ends first, and sees no crash
        if settings.tasks is not None:
            yield "TasksMax", "t", settings.tasks
        if settings.memory is not None:
            yield "MemoryMax", "t", settings.memory
        if settings.cpu is not None:
            yield "CPUQuotaPerSecUSec", "t", settings.cpu * 10_000


def _bound(bind: Bind) -> str:
    option, mapped = "--bind" if bind.writable else "--bind-ro", ":idmap" if bind.mapped else ""
    return f"{option}={_escaped(bind.source)}:{_escaped(bind.target)}{mapped}"


def _escaped(path: Path) -> str:
    """A path as systemd-nspawn reads it between colons."""
    return str(path).replace("\\", "\\\\").replace(":", "\\:")
