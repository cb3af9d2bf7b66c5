"""A backend without a daemon, on the test host's real disk, whose agents are started by a plan."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from attrs import define, field

from hyperhive.backends import make_containers
from hyperhive.boundaries import IContainers, Plan
from hyperhive.config import Config, configure
from hyperhive.errors import ContainerError
from hyperhive.layout import Layout
from tests.containers.telling import Told
from tests.host.hives import call
from tests.host.nixos.standin import nixos_host

TELLS = "import json, os; print(json.dumps(dict(os.environ)), file=open('/state/told', 'w'))"
COMMAND = f'sh -c "exec python3 -c \\"{TELLS}; import time; time.sleep(1000)\\""'
UNITS = {"nspawn": "hyperhive-{}.service", "nixos": "container@h-{}.service"}


@define
class Bench:
    """A backend without a daemon, on a state directory that is on a real disk."""

    reactor: Any
    config: Config
    base: Path
    containers: IContainers = field(init=False)
    told: list[Told] = field(factory=list)

    def __attrs_post_init__(self) -> None:
        self.open()

    @property
    def layout(self) -> Layout:
        return self.config.layout

    def open(self) -> None:
        """A backend as the next daemon has it."""
        self.containers = make_containers(self.reactor, self.config, 1024)
        self.containers.watch(lambda: None)

    async def start(self, name: str, plan: Plan, generation: int = 1) -> dict[str, str]:
        """Start the agent; the environment that its program has."""
        notes = self.layout.notes(name)
        for directory in (notes, self.layout.agent_socket(name).parent, self.layout.proposals):
            directory.mkdir(parents=True, exist_ok=True)
        if not (notes / "told").exists():
            self.told.append(Told(self.reactor, notes / "told"))
            (notes / "told").chmod(0o666)
        line = self.told[-1].line()
        await self.containers.start(name, generation, plan)
        environment: dict[str, str] = json.loads(await line)
        return environment

    async def says(self, script: str, name: str = "alice") -> str:
        """What a shell script in the agent's machine complains of last, which must fail; empty if it does not."""
        try:
            await self.containers.check(name, ["sh", "-c", script])
        except ContainerError as error:
            return str(error).rpartition("' failed: ")[2]
        return ""

    async def leader(self, name: str = "alice") -> int:
        return (await self.containers.running())[name].pid

    async def end(self) -> None:
        for name in [path.name for path in self.layout.runtimes.iterdir()] if self.layout.runtimes.exists() else ():
            await self.containers.stop(name, graceful=False)
            await self.containers.remove(name)
        await self.close()
        for told in self.told:
            told.close()

    async def close(self) -> None:
        closing = self.containers.close()
        if closing is not None:
            await closing

    def shown(self, *properties: str, name: str = "alice") -> set[str]:
        """Properties of the agent's unit."""
        unit = UNITS[self.config.containers].format(name)
        return set(call("systemctl", "show", unit, *(f"--property={it}" for it in properties)).splitlines())


def files(base: Path, **content: str) -> Path:
    """A commit's files, as the daemon writes them out: root's, and nobody's to write."""
    directory = base / "deployed/commit"
    for name, text in content.items():
        path = directory / name.replace("__", "/").replace("_", ".")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        path.chmod(0o444)
    return directory


def backend(kind: str, base: Path, image: Path, **settings: str) -> Config:
    """The configuration of a hive of that kind, whose agents have the host's network unless they are told."""
    chosen = {"network": "host", "image": str(image), **settings}
    text = "[nspawn]\n" + "".join(f'{key} = "{value}"\n' for key, value in chosen.items())
    if kind == "nixos":
        text += nixos_host(base).partition("[nspawn]")[0]
    (base / "hive.toml").write_text(text)
    given: dict[str, str | bool] = {
        "config": str(base / "hive.toml"),
        "containers": kind,
        "state-dir": str(base / "state"),
        "run-dir": f"/run/{base.name}",
        "agent-command": COMMAND,
    }
    return configure(given, {}, root=True)
