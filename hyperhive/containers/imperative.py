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
from hyperhive.containers.extension import DEFAULT_ATTRIBUTE, Extension
from hyperhive.containers.files import put
from hyperhive.containers.journal import Journal
from hyperhive.containers.system_bus import SystemBus, exec_start
from hyperhive.errors import ContainerError

CONFS: Final = Path("/etc/nixos-containers")
PROFILES: Final = Path("/nix/var/nix/profiles/per-container")
PROGRAM: Final = "nixos-container"
BUILD_SECONDS: Final = 3600.0
"""What one command may take: it may have to download or to build a whole system."""
LOCK_SECONDS: Final = 300.0
"""What it may take to look which versions a flake stands for: its inputs may have to be downloaded."""
STOP_SECONDS: Final = 60.0


@frozen(kw_only=True)
class Made:
    """The record of a container that is hyperhive's: what its system was built from, empty while that is not done.

    `flake` is the flake as it was configured, `locked` a digest of the versions that it stood for, and `files` one of
    the agent's own files (empty: it has none).
    """

    flake: str = ""
    locked: str = ""
    files: str = ""


@define(eq=False)
class ImperativeContainers:
    """Containers with the system of `flake`; `cache` is where nix may keep what it downloads to look at that."""

    _log: ClassVar[Logger] = Logger()

    reactor: IReactor
    bus: SystemBus
    flake: str
    cache: Path

    async def make(self, machine: str, record: Path, extension: Extension | None) -> None:
        """Have the container there with the flake's present system, extended by that; it must not run.

        `record` is the file that says what was made. Raises ContainerError, and for a container that isn't ours.
        """
        await self._interrupt(machine)
        there = os.path.lexists(CONFS / f"{machine}.conf")
        if there and read_made(record) is None:
            raise ContainerError(
                f"there is a container {machine} already that this hive has not made; "
                f"take it away ('{PROGRAM} destroy {machine}'), or choose another name"
            )
        built, wanted = await self._compare(machine, record, extension)
        if built is not None and built == wanted:
            return
        flake = self._flake(extension)
        if built is not None:
            await self._call(machine, "update", "--flake", flake)
        else:
            put(record, _written(Made()))  # from here on it is ours, however far it comes
            if there:
                await self._call(machine, "destroy")
            await self._call(machine, "create", "--flake", flake)
        put(record, _written(wanted))

    async def build(self, machine: str, record: Path, extension: Extension | None) -> None:
        """Have nix build what `make` would, so that it is there by then; the container may run.

        Raises ContainerError.
        """
        await self._interrupt(machine)
        built, wanted = await self._compare(machine, record, extension)
        if built is None or built != wanted:
            flake, _, attribute = self._flake(extension).partition("#")
            system = f'{flake}#nixosConfigurations."{attribute or DEFAULT_ATTRIBUTE}".config.system.build.toplevel'
            options = ("build", "--no-link", "--no-write-lock-file", "--", system)
            await self._run(machine, f"nix build for {machine}", "nix", *options)

    async def _compare(self, machine: str, record: Path, extension: Extension | None) -> tuple[Made | None, Made]:
        """What the container was made from, None if it is not there wholly; and what it should be made from."""
        there = os.path.lexists(CONFS / f"{machine}.conf") and (PROFILES / machine / "system").is_symlink()
        built = read_made(record) if there else None
        return built, await self._wanted(built, "" if extension is None else extension.digest())

    def _flake(self, extension: Extension | None) -> str:
        return self.flake if extension is None else extension.laid_out(self.flake)

    async def destroy(self, machine: str, record: Path) -> None:
        """Take the container away, if it is ours; it must not run. Raises ContainerError."""
        await self._interrupt(machine)
        if read_made(record) is None:
            return
        if os.path.lexists(CONFS / f"{machine}.conf"):
            await self._call(machine, "destroy")
        record.unlink(missing_ok=True)

    async def _wanted(self, made: Made | None, files: str) -> Made:
        """What the container should be made from; what it was, where that can't be looked at and may be the same."""
        try:
            return Made(flake=self.flake, locked=await self.locked(), files=files)
        except ContainerError as error:
            if made is None or (made.flake, made.files) != (self.flake, files):
                raise
            self._log.warn("{error}; what was built of it before is started", error=error)
            return made

    async def locked(self) -> str:
        """A digest of the versions that the flake stands for now. Raises ContainerError where it can't be read."""
        flake = self.flake.partition("#")[0]
        words = ("nix", "flake", "metadata", "--json", "--no-write-lock-file", "--", flake)
        told = {**_nix_environment(), "XDG_CACHE_HOME": str(self.cache)}
        try:
            seen = json.loads(await run(self.reactor, *words, seconds=LOCK_SECONDS, environment=told))
            versions = json.dumps([seen["locked"], seen["locks"]], sort_keys=True)
        except (ContainerError, KeyError, TypeError, ValueError) as error:
            raise ContainerError(f"the flake {flake} can't be read: {error}") from error
        return hashlib.sha256(versions.encode()).hexdigest()

    async def _call(self, machine: str, action: str, *options: str) -> None:
        """Run one command of nixos-container to its end. Raises ContainerError with what it complained of."""
        await self._run(machine, f"{PROGRAM} {action} {machine}", PROGRAM, action, machine, *options)

    async def _run(self, machine: str, shown: str, name: str, *options: str) -> None:
        """Run a program for that container to its end. Raises ContainerError with what it complained of."""
        program = shutil.which(name)
        if program is None:
            raise ContainerError(f"'{name}' is not in the daemon's PATH; the backend 'nixos' needs a NixOS that has it")
        unit, begun = build_unit(machine), self.reactor.seconds()
        words = [program, *options]
        self._log.info(
            "{shown} has begun; 'journalctl --follow --unit={unit}' shows how it goes", shown=shown, unit=unit
        )  # fmt: skip
        try:
            await self.bus.start_transient(unit, list(_properties(words)), BUILD_SECONDS + STOP_SECONDS)
        except ContainerError as error:
            why = await Journal(self.reactor).reason(unit, int(begun * 1_000_000)) or str(error)
            raise ContainerError(f"'{shown}' failed: {why}; 'journalctl --unit={unit}' shows all of it") from error
        self._log.info("{shown} is done, after {seconds:.1f} s", shown=shown, seconds=self.reactor.seconds() - begun)

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
    yield "Description", "s", f"{Path(words[0]).name} {words[1]} for hyperhive"
    yield "Type", "s", "oneshot"
    yield exec_start(words)
    told = {"PATH": os.environ.get("PATH", os.defpath), "HOME": "/root", **_nix_environment()}
    yield "Environment", "as", [f"{key}={value}" for key, value in told.items()]
    yield "TimeoutStartUSec", "t", int(BUILD_SECONDS * 1_000_000)


def _nix_environment() -> dict[str, str]:
    return {key: value for key, value in os.environ.items() if key.startswith("NIX_")}
