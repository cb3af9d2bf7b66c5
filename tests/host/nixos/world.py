"""The world of `tests/contract` on the `nixos` backend: a hive with the stand-in's containers."""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.contract.program import command
from tests.contract.world import SETTINGS, agent_command
from tests.daemon.harness import Hive
from tests.host.hives import call, prints
from tests.host.nixos.standin import nixos_host, remains
from tests.host.worlds import MachineWorld


class NixosWorld(MachineWorld):
    """A hive on the `nixos` backend."""

    backend = "nixos"
    longest_name = 9
    notes = {**MachineWorld.notes, "SIGTERM of its program": "exited with status 143"}  # noqa: RUF012 - fixed

    def __init__(self, hive: Hive, settings: str = "") -> None:
        super().__init__(hive)
        self.configuration = SETTINGS + nixos_host(hive.base) + settings

    @property
    def flake(self) -> Path:
        """The flake that containers are built from, which a test may change."""
        return self.hive.base / "flake"

    def unit(self, name: str) -> str:
        return f"container@h-{name}.service"

    def program(self, name: str) -> int:
        self._wait_for_program(name)
        # The container's systemd is its parent's parent; see agent.service.
        services = Path(f"/sys/fs/cgroup/machine.slice/{self.unit(name)}/payload/system.slice")
        first, *_ = (services / "agent.service/cgroup.procs").read_text().split()
        return int(Path(f"/proc/{first}/task/{first}/children").read_text().split()[0])

    def _wait_for_program(self, name: str) -> None:
        """A container is up before its program is: that has printed something then."""
        assert prints(self.unit(name), "ready,"), f"the program of {name} did not begin"

    def options(self) -> list[str]:
        config = self.hive.base / "hive.toml"
        config.write_text(self.configuration)
        program = agent_command(command("/usr/bin/python3"))
        return [*self.hive.places(), "--containers", "nixos", "--config", str(config), *program]

    def remains(self, name: str) -> list[str]:
        return [*super().remains(name), *remains(name)]

    def end(self) -> None:
        super().end()
        for unit in ("hyperhive.build-*.service", "container@h-*.service"):
            quietly("systemctl", "kill", "--signal=KILL", unit)
            quietly("systemctl", "stop", unit)
            quietly("systemctl", "reset-failed", unit)
        for line in call("nixos-container", "list").splitlines():
            quietly("nixos-container", "destroy", line)


@contextmanager
def nixos(settings: str = "") -> Iterator[NixosWorld]:
    """A world whose daemon is not started yet; all of it is gone afterwards."""
    base = Path(tempfile.mkdtemp(prefix="hive-", dir=os.environ["HYPERHIVE_TEST_HOST_STATE"]))
    base.chmod(0o755)
    hive = Hive(base)
    hive.run = Path("/run") / base.name
    world = NixosWorld(hive, settings)
    try:
        yield world
    finally:
        world.end()
        call("rm", "-rf", "--one-file-system", str(base))


def quietly(*words: str) -> None:
    """Run a command that may fail."""
    subprocess.run(words, check=False, capture_output=True, timeout=60)
