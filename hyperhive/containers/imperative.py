"""NixOS's imperative containers: made from a flake, updated and destroyed with `nixos-container`.

Each command runs in a transient unit of its own, `hyperhive.build-<machine>.service`: it outlives a daemon that is
killed, and the next one ends it before it does anything to that container.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, ClassVar, Final

import attrs
from attrs import define, frozen
from twisted.logger import Logger

from hyperhive.containers.commands import IReactor, run
from hyperhive.containers.files import put
from hyperhive.containers.journal import Journal
from hyperhive.containers.system_bus import SystemBus, exec_start
from hyperhive.errors import ContainerError, brief

CONFS: Final = Path("/etc/nixos-containers")
PROFILES: Final = Path("/nix/var/nix/profiles/per-container")
PROGRAM: Final = "nixos-container"
BUILD_SECONDS: Final = 3600.0
"""What one command may take: it may have to download or to build a whole system."""
LOCK_SECONDS: Final = 300.0
"""What it may take to look which versions a flake stands for: its inputs may have to be downloaded."""
STOP_SECONDS: Final = 60.0
MOST_LINES: Final = 100


@frozen(kw_only=True)
class Made:
    """The record of a container that is hyperhive's: what its system was built from, empty while that is not done.

    `flake` is the flake as it was configured, and `locked` a digest of the versions that it stood for.
    """

    flake: str = ""
    locked: str = ""


@define(eq=False)
class ImperativeContainers:
    """Containers with the system of `flake`; `cache` is where nix may keep what it downloads to look at that."""

    _log: ClassVar[Logger] = Logger()

    reactor: IReactor
    bus: SystemBus
    flake: str
    cache: Path

    async def make(self, machine: str, record: Path) -> None:
        """Have the container there with the flake's present system; it must not run.

        `record` is the file that says what was made. Raises ContainerError, and for a container that isn't ours.
        """
        await self._interrupt(machine)
        made = read_made(record)
        there = os.path.lexists(CONFS / f"{machine}.conf")
        if there and made is None:
            raise ContainerError(
                f"there is a container {machine} already that this hive has not made; "
                f"take it away ('{PROGRAM} destroy {machine}'), or choose another name"
            )
        built = there and (PROFILES / machine / "system").is_symlink()
        wanted = await self._wanted(made if built else None)
        if built and made == wanted:
            return
        if built:
            await self._call(machine, "update", "--flake", self.flake)
        else:
            put(record, _written(Made()))  # from here on it is ours, however far it comes
            if there:
                await self._call(machine, "destroy")
            await self._call(machine, "create", "--flake", self.flake)
        put(record, _written(wanted))

    async def destroy(self, machine: str, record: Path) -> None:
        """Take the container away, if it is ours; it must not run. Raises ContainerError."""
        await self._interrupt(machine)
        if read_made(record) is None:
            return
        if os.path.lexists(CONFS / f"{machine}.conf"):
            await self._call(machine, "destroy")
        record.unlink(missing_ok=True)

    async def _wanted(self, made: Made | None) -> Made:
        """What the container should be made from; what it was, where that can't be looked at and may be the same."""
        flake = self.flake.partition("#")[0]
        words = ("nix", "flake", "metadata", "--json", "--no-write-lock-file", "--", flake)
        told = {**_nix_environment(), "XDG_CACHE_HOME": str(self.cache)}
        try:
            seen = json.loads(await run(self.reactor, *words, seconds=LOCK_SECONDS, environment=told))
            versions = json.dumps([seen["locked"], seen["locks"]], sort_keys=True)
        except (ContainerError, KeyError, TypeError, ValueError) as error:
            if made is None or made.flake != self.flake:
                raise ContainerError(f"the flake {flake} can't be read: {error}") from error
            self._log.warn(
                "the flake {flake} can't be read: {error}; what was built of it before is started",
                flake=flake,
                error=error,
            )
            return made
        return Made(flake=self.flake, locked=hashlib.sha256(versions.encode()).hexdigest())

    async def _call(self, machine: str, action: str, *options: str) -> None:
        """Run one command of nixos-container to its end. Raises ContainerError with what it complained of."""
        program = shutil.which(PROGRAM)
        if program is None:
            raise ContainerError(
                f"'{PROGRAM}' is not in the daemon's PATH; the backend 'nixos' needs a NixOS that has it"
            )
        unit, begun = build_unit(machine), self.reactor.seconds()
        words = [program, action, machine, *options]
        self._log.info(
            "{program} {action} {machine} has begun; 'journalctl --follow --unit={unit}' shows how it goes",
            program=PROGRAM, action=action, machine=machine, unit=unit,
        )  # fmt: skip
        try:
            await self.bus.start_transient(unit, list(_properties(words)), BUILD_SECONDS + STOP_SECONDS)
        except ContainerError as error:
            why = await self._complaint(unit, int(begun)) or str(error)
            raise ContainerError(
                f"'{PROGRAM} {action} {machine}' failed: {why}; 'journalctl --unit={unit}' shows all of it"
            ) from error
        self._log.info(
            "{program} {action} {machine} is done, after {seconds:.1f} s",
            program=PROGRAM, action=action, machine=machine, seconds=self.reactor.seconds() - begun,
        )  # fmt: skip

    async def _complaint(self, unit: str, begun: int) -> str:
        """The line that says best why the unit failed; empty if it printed nothing."""
        await run(self.reactor, "journalctl", "--sync")
        lines = [line.strip() for line in await Journal(self.reactor).lines(unit, MOST_LINES, begun) if line.strip()]
        errors = [line for line in lines if line.startswith("error:")]
        return brief((errors or lines or [""])[-1])

    async def _interrupt(self, machine: str) -> None:
        """End what an earlier daemon, or an earlier attempt, may still be doing to the container."""
        await self.bus.stop_unit(build_unit(machine), STOP_SECONDS)
        await self.bus.reset_failed(build_unit(machine))


def build_unit(machine: str) -> str:
    """The unit that a command of nixos-container runs in."""
    return f"hyperhive.build-{machine}.service"


def read_made(record: Path) -> Made | None:
    """What was made; None if nothing was."""
    try:
        return Made(**json.loads(record.read_bytes()))
    except FileNotFoundError:
        return None
    except (OSError, TypeError, ValueError):
        return Made()


def _written(made: Made) -> str:
    return json.dumps(attrs.asdict(made))


def _properties(words: Sequence[str]) -> Iterator[tuple[str, str, Any]]:
    yield "Description", "s", " ".join(words[1:3]) + " for hyperhive"
    yield "Type", "s", "oneshot"
    yield exec_start(words)
    told = {"PATH": os.environ.get("PATH", os.defpath), "HOME": "/root", **_nix_environment()}
    yield "Environment", "as", [f"{key}={value}" for key, value in told.items()]
    yield "TimeoutStartUSec", "t", int(BUILD_SECONDS * 1_000_000)


def _nix_environment() -> dict[str, str]:
    return {key: value for key, value in os.environ.items() if key.startswith("NIX_")}
