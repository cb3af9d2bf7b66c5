"""Hives of real machines: the daemon of `tests/daemon`, on the `nspawn` backend."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.daemon.client import PATIENCE
from tests.daemon.harness import Daemon, Hive

FOREVER = ("/bin/sleep", "infinity")


class NspawnHive(Hive):
    """A hive of nspawn machines with its state on a real disk; without a network by default."""

    def __init__(self, base: Path, image: Path | None = None, **settings: str | int) -> None:
        super().__init__(base)
        self.run = Path("/run") / base.name
        chosen = {"image": str(image or os.environ["HYPERHIVE_TEST_HOST_AGENT_IMAGE"]), "network": "none", **settings}
        self.configuration = "[nspawn]\n" + "".join(f"{key} = {json.dumps(value)}\n" for key, value in chosen.items())

    def open(
        self, *options: str, command: Sequence[str] = FOREVER, environment: Mapping[str, str] | None = None
    ) -> Daemon:
        """A daemon that is up; every agent runs that command in its machine."""
        config = self.base / "hive.toml"
        config.write_text(self.configuration)
        return self.start_bare(
            *self.places(),
            *("--containers", "nspawn", "--config", str(config), "--agent-command", shlex.join(command)),
            *options,
            environment=environment,
        )

    def leader(self, name: str) -> int:
        """The first process of the agent's machine, by machined."""
        return int(call("machinectl", "show", f"h-{name}", "--property=Leader", "--value"))

    def unit(self, name: str) -> str:
        """The unit that holds the agent's machine."""
        return f"hyperhive-{name}.service"

    def end(self) -> None:
        """End everything, machines too."""
        super().end()
        units = call("systemctl", "list-units", "--all", "--plain", "--no-legend", "hyperhive-*.service")
        for unit in [line.split()[0] for line in units.splitlines()]:
            subprocess.run(["systemctl", "kill", "--signal=KILL", unit], check=False, capture_output=True)
            call("systemctl", "stop", unit)
            subprocess.run(["systemctl", "reset-failed", unit], check=False, capture_output=True)


def prints(unit: str, beginning: str) -> bool:
    """Whether the unit, once it is active, prints such a line in this invocation, waited for.

    The invocation is asked for again and again: the unit may not have been started yet, and be known by its last one.
    So is the journal: `journalctl --follow` was seen to miss lines that are in it, where files of the journal had just
    been added.
    """
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        state, invocation = _standing(unit)
        if state == "active":
            printed = call("journalctl", "--output=cat", f"_SYSTEMD_INVOCATION_ID={invocation}")
            if any(line.startswith(beginning) for line in printed.splitlines()):
                return True
        time.sleep(0.05)
    return False


def _standing(unit: str) -> tuple[str, str]:
    """The unit's state, and which invocation of it that is about."""
    shown = call("systemctl", "show", unit, "--property=ActiveState,InvocationID")
    told = dict(line.split("=", 1) for line in shown.splitlines())
    return told["ActiveState"], told["InvocationID"]


def call(*words: str) -> str:
    """What a command prints; it must succeed within a minute."""
    return subprocess.run(words, check=True, stdout=subprocess.PIPE, text=True, timeout=60).stdout.strip()
