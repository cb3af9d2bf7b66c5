"""The worlds of `tests/contract` whose agents are real machines."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import ClassVar

from tests.contract.program import command
from tests.contract.world import SETTINGS, LocalWorld, World, agent_command
from tests.daemon.conftest import short_lived
from tests.host.hives import NspawnHive, call


class MachineWorld(World):
    """A hive whose agents are machines that machined knows."""

    notes: ClassVar[dict[str, str]] = {
        "its program ends well": "exited with status 0",
        "its program ends with status 3": "exited with status 3",
        "SIGKILL of its first process": "killed by SIGKILL",
        "SIGTERM of its program": "exited with status 255, as it also does where its program is killed by a signal",
    }

    def unit(self, name: str) -> str:
        """The unit that holds the agent's machine."""
        raise NotImplementedError

    def leader(self, name: str) -> int:
        return int(call("machinectl", "show", f"h-{name}", "--property=Leader", "--value"))

    def program(self, name: str) -> int:
        leader = self.leader(name)
        return int(Path(f"/proc/{leader}/task/{leader}/children").read_text().split()[0])

    def state_inside(self, name: str) -> str:
        return "/state"

    def remains(self, name: str) -> list[str]:
        units = call("systemctl", "list-units", "--all", "--plain", "--no-legend", self.unit(name))
        files = [f"/run/systemd/transient/{self.unit(name)}", f"/sys/fs/cgroup/machine.slice/{self.unit(name)}"]
        return [
            *super().remains(name),
            *(f"unit {line}" for line in units.splitlines()),
            *(
                f"machine {line}"
                for line in call("machinectl", "list", "--no-legend").splitlines()
                if f"h-{name} " in line
            ),
            *(
                f"mount {line}"
                for line in Path("/proc/self/mountinfo").read_text().splitlines()
                if f"/{name}/" in line or f"/h-{name} " in line
            ),
            *(f"link {line}" for line in call("ip", "-oneline", "link").splitlines() if f"-h-{name}@" in line),
            *(path for path in files if Path(path).exists()),
        ]


class NspawnWorld(MachineWorld):
    """A hive on the `nspawn` backend."""

    backend = "nspawn"
    longest_name = 32

    def __init__(self, hive: NspawnHive) -> None:
        super().__init__(hive)
        self.configuration = SETTINGS + hive.configuration

    def unit(self, name: str) -> str:
        return f"hyperhive-{name}.service"

    def options(self) -> list[str]:
        config = self.hive.base / "hive.toml"
        config.write_text(self.configuration)
        program = agent_command(command("/usr/bin/python3"))
        return [*self.hive.places(), "--containers", "nspawn", "--config", str(config), *program]


@contextmanager
def local() -> Iterator[World]:
    """A world on the `local` backend, as root."""
    with short_lived() as hive:
        yield LocalWorld(hive)


@contextmanager
def scratch() -> Iterator[NspawnHive]:
    """A hive of nspawn machines, of which nothing is left afterwards."""
    base = Path(tempfile.mkdtemp(prefix="hive-", dir=os.environ["HYPERHIVE_TEST_HOST_STATE"]))
    hive = NspawnHive(base)
    try:
        yield hive
    finally:
        hive.end()
        call("rm", "-rf", "--one-file-system", str(base), str(hive.run))


@contextmanager
def nspawn() -> Iterator[MachineWorld]:
    """A world on the `nspawn` backend."""
    with scratch() as hive:
        yield NspawnWorld(hive)
