"""The `nixos` backend's machines: NixOS's own containers, built from the operator's flake and started as their units.

Beside what `nixos-container` makes there stand a `.conf` and a drop-in of ours, and the agent's environment in a file.
The container's root is a copy of an empty one, which each start begins anew (`--ephemeral`): the unit's scripts, which
are root's, never work in a tree that an agent could have changed. There is no user namespace.
"""

from __future__ import annotations

import re
import shlex
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import ClassVar, Final

from attrs import define, field

from hyperhive import __version__
from hyperhive.agent_config import AgentConfig
from hyperhive.boundaries import Plan
from hyperhive.containers import extension, visitors
from hyperhive.containers.commands import IReactor, run
from hyperhive.containers.extension import Extension
from hyperhive.containers.files import own_kept, put
from hyperhive.containers.image import User
from hyperhive.containers.imperative import CONFS, ImperativeContainers
from hyperhive.containers.kind import START_SECONDS, Equipped, machine_name
from hyperhive.containers.mounting import check_sources, shown
from hyperhive.containers.network import Network
from hyperhive.containers.nixos_files import bound, conf, drop_in, environment, objection
from hyperhive.containers.plans import IN_A_MACHINE, NIX_MODULE, limited, module, told, unlike
from hyperhive.containers.starts import Start
from hyperhive.containers.visitors import Visitor
from hyperhive.errors import ContainerError
from hyperhive.limits import NIXOS_LONGEST_NAME

ROOTS: Final = Path("/var/lib/nixos-containers")
UNITS: Final = Path("/run/systemd/system")
USER: Final = User(name="agent", uid=1000, gid=1000, home="/home/agent")
"""Whom the system of the flake must have, and run the agent as."""

# Of those that systemd-nspawn leaves to a container's root, the ones that a booted NixOS is known to do without.
DROPPED_CAPABILITIES: Final = "CAP_LINUX_IMMUTABLE,CAP_MKNOD,CAP_NET_ADMIN,CAP_NET_BROADCAST,CAP_NET_RAW"


@define(eq=False, kw_only=True)
class Nixos(Equipped):
    """Makes containers of NixOS with the system of `flake`."""

    kind: ClassVar[str] = "nixos"
    isolates: ClassVar[bool] = False
    longest_name: ClassVar[int] = NIXOS_LONGEST_NAME

    reactor: IReactor
    flake: str

    _containers: ImperativeContainers = field(init=False)

    def __attrs_post_init__(self) -> None:
        self._containers = ImperativeContainers(self.reactor, self.bus, self.flake, self.layout.state / "nix")

    def unit(self, name: str) -> str:
        """The systemd unit that holds the agent's machine."""
        return f"container@{machine_name(name)}.service"

    def owns(self, start: Start, uid: int) -> bool:
        """Always: without a user namespace a process in the container can have any user's number."""
        return True

    async def start(self, name: str, start: Start, plan: Plan) -> None:
        """Have the container's system built, write what is ours, and start its unit. Raises ContainerError."""
        machine, network = machine_name(name), self.network.of(start.network)
        await check_sources(self.reactor, self.layout, plan)
        text = conf(network.kind, list(self._flags(name, network, plan)))
        await network.check()
        await self._containers.make(machine, self._record(name), self._extension(name, plan))
        await self._clear(machine)
        own_kept(self.layout, name, USER.uid, USER.gid)
        variables = told(self.environment, plan, name, start.generation, IN_A_MACHINE)
        visitors.put(self.layout.runtime(name), Visitor.like(USER, variables))
        put(self._environment(name), environment({**variables, "HIVE_COMMAND": shlex.join(self.commands(name))}))
        put(CONFS / f"{machine}.conf", text)
        await self._load(name, drop_in(limited(self.settings, plan.config.limits), self.grace))
        await self.bus.start_unit(self.unit(name), START_SECONDS)

    async def remove(self, name: str) -> None:
        """Take away the container, its root, and what is ours. Raises ContainerError."""
        machine = machine_name(name)
        await self._containers.destroy(machine, self._record(name))
        await self._clear(machine)
        if self._drop_in(name).exists():
            shutil.rmtree(self._drop_in(name).parent)
            await self.bus.reload()

    async def prepare(self, name: str, plan: Plan) -> None:
        """See that what is to be mounted and the network are there, and build the system. Raises ContainerError."""
        await check_sources(self.reactor, self.layout, plan)
        network = self.network.of(plan.config.network)
        conf(network.kind, list(self._flags(name, network, plan)))
        await network.check()
        await self._containers.build(machine_name(name), self._record(name), self._extension(name, plan))

    def objection(self, config: AgentConfig) -> str | None:
        """What such a container can't have: an image, or a mount that it can't be told of."""
        why = "with containers 'nixos', whose system is the flake's and agent.nix's: leave it out"
        return unlike(config, ("image",), why) or objection(config.mounts)

    async def fault(self, files: Mapping[str, bytes]) -> str | None:
        """What nix can't read of the agent's module. Raises ContainerError."""
        written = files.get(NIX_MODULE)
        return None if written is None else await extension.fault(self.reactor, written)

    async def origin(self, plan: Plan) -> str:
        """Our version, and the versions that the flake stands for. Raises ContainerError."""
        return f"hyperhive {__version__}; flake {self.flake} {await self._containers.locked()}"

    async def writer(self) -> tuple[int, int]:
        """The agent's user, who has the same number in every container and on the host."""
        return USER.uid, USER.gid

    def _record(self, name: str) -> Path:
        return self.layout.runtime(name) / "nixos.json"

    def _environment(self, name: str) -> Path:
        return self.layout.runtime(name) / "environment"

    def _drop_in(self, name: str) -> Path:
        return UNITS / f"{self.unit(name)}.d" / "50-hyperhive.conf"

    def _extension(self, name: str, plan: Plan) -> Extension | None:
        files = module(plan)
        return None if files is None else Extension(files=files, directory=self.layout.runtime(name) / "flake")

    def _flags(self, name: str, network: Network, plan: Plan) -> Iterator[str]:
        """What systemd-nspawn is told beside what the container's unit tells it."""
        yield from ("--quiet", "--ephemeral", "--link-journal=no", f"--drop-capability={DROPPED_CAPABILITIES}")
        yield from network.options()
        yield bound(self._environment(name), "/run/hive-env")
        for bind in shown(self.layout, name, plan, USER.home):
            yield bound(bind.source, str(bind.target), writable=bind.writable)

    async def _load(self, name: str, text: str) -> None:
        """Have systemd know the drop-in; it is asked to read its units again only if that is new."""
        path = self._drop_in(name)
        loaded = self.layout.runtime(name) / "drop-in"
        if not (_is(path, text) and _is(loaded, text)):
            put(path, text)
            await self.bus.reload()
            put(loaded, text)

    async def _clear(self, machine: str) -> None:
        """Take away the roots that systemd-nspawn could not take away itself, because it was killed."""
        # Their names are systemd's tempfn_random(): 16 hexadecimal digits at the end; and a lock with each.
        left = re.compile(
            rf"\.#machine\.{re.escape(machine)}[0-9a-f]{{16}}|\.#\.#machine\.{re.escape(machine)}[0-9a-f]{{16}}\.lck"
        )
        try:
            found = [str(path) for path in ROOTS.iterdir() if left.fullmatch(path.name)] if ROOTS.is_dir() else []
        except OSError as error:
            raise ContainerError(f"{ROOTS} can't be read: {error.strerror}") from error
        if found:
            await run(self.reactor, "rm", "-rf", "--one-file-system", "--", *found, seconds=600)


def _is(path: Path, text: str) -> bool:
    """Whether that is what the file holds."""
    try:
        return path.read_text(encoding="utf-8") == text
    except OSError:
        return False
