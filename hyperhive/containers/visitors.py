"""Commands that are run inside a machine that is up: by `visit.py`, in a transient unit of its own.

Not by the daemon itself, which as a service may do less than that takes, and whose restrictions a command would have.
"""

from __future__ import annotations

import json
import shlex
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import attrs
from attrs import define, frozen

from hyperhive.containers import files, visit
from hyperhive.containers.commands import IReactor
from hyperhive.containers.image import User
from hyperhive.containers.journal import Journal
from hyperhive.containers.kind import ADDRESS_FAMILIES
from hyperhive.containers.starts import Start
from hyperhive.containers.system_bus import SystemBus, exec_start
from hyperhive.errors import ContainerError, brief
from hyperhive.limits import CHECK_SECONDS

RECORD: Final = "visitor.json"
PATH: Final = (
    "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
    ":/run/wrappers/bin:/etc/profiles/per-user/agent/bin:/run/current-system/sw/bin"
)
"""Where an agent's programs are that was told no PATH; the last ones are NixOS's."""
SLACK_SECONDS: Final = 5.0
MOST_LINES: Final = 1000
MOST_TASKS: Final = 256
MOST_MEMORY: Final = 1024**3
# What systemd-nspawn does not let its machines do, a visitor does not let them do through it.
SYSTEM_CALLS: Final = ["@system-service", "chroot"]


@frozen(kw_only=True)
class Visitor:
    """As whom, and with which variables, a command is run inside a machine: as the agent is."""

    uid: int
    gid: int
    environment: Mapping[str, str]

    @classmethod
    def like(cls, user: User, told: Mapping[str, str]) -> Visitor:
        """A visitor like the agent's program, which was started as that user with those variables."""
        own = {"PATH": PATH, "HOME": user.home, "USER": user.name, "LOGNAME": user.name}
        return cls(uid=user.uid, gid=user.gid, environment={**own, **told})


def put(runtime: Path, visitor: Visitor) -> None:
    """Record as whom that agent's machine can be visited. Raises ContainerError."""
    files.put(runtime / RECORD, json.dumps(attrs.asdict(visitor)))


@define(eq=False)
class Visits:
    """Runs commands inside machines."""

    _reactor: IReactor
    _bus: SystemBus
    _journal: Journal

    async def visit(self, machine: str, runtime: Path, start: Start, command: Sequence[str]) -> None:
        """Run the command in the machine of that start, to its end; one at a time a machine.

        `runtime` holds the record of the visitor. Raises ContainerError, saying why it did not succeed.
        """
        unit, shown = f"hyperhive.check-{machine}.service", brief(shlex.join(command))
        await self._bus.stop_unit(unit, CHECK_SECONDS)  # an earlier daemon's
        await self._bus.reset_failed(unit)
        begun = self._reactor.seconds()
        who = (str(runtime / RECORD), str(start.leader), str(start.leader_started))
        words = (sys.executable, "-I", "-S", visit.__file__, *who, *command)
        try:
            await self._bus.start_transient(unit, list(_properties(machine, words)), CHECK_SECONDS + SLACK_SECONDS)
        except ContainerError as error:
            if self._reactor.seconds() - begun >= CHECK_SECONDS:
                raise ContainerError(
                    f"'{shown}' did not end within {CHECK_SECONDS:g} seconds: it was killed"
                ) from error
            why = await self._journal.reason(unit, int(begun * 1_000_000)) or "it did not say why"
            raise ContainerError(f"'{shown}' failed: {why}") from error


def _properties(machine: str, words: Sequence[str]) -> Iterator[tuple[str, str, Any]]:
    yield "Description", "s", f"check of {machine} for hyperhive"
    yield "Type", "s", "oneshot"
    yield exec_start(words)
    yield "CollectMode", "s", "inactive-or-failed"
    yield "TimeoutStartUSec", "t", int(CHECK_SECONDS * 1_000_000)
    yield "KillSignal", "i", 9
    yield "StandardInput", "s", "null"
    yield "SyslogLevelPrefix", "b", False
    yield "LogRateLimitIntervalUSec", "t", int(CHECK_SECONDS * 1_000_000)
    yield "LogRateLimitBurst", "u", MOST_LINES
    yield "Slice", "s", "machine.slice"
    yield "OOMPolicy", "s", "continue"
    yield "TasksMax", "t", MOST_TASKS
    yield "MemoryMax", "t", MOST_MEMORY
    yield "DevicePolicy", "s", "closed"
    yield "NoNewPrivileges", "b", True
    yield "RestrictAddressFamilies", "(bas)", (True, list(ADDRESS_FAMILIES))
    yield "SystemCallFilter", "(bas)", (True, SYSTEM_CALLS)
    yield "SystemCallErrorNumber", "i", 1
