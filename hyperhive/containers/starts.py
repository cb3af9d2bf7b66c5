"""The record of a machine's last start: which start of the agent it is, and how its processes and journal are found."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import attrs
from attrs import define, field, frozen

from hyperhive.containers import proc
from hyperhive.errors import ContainerError

RECORD = "start.json"
TEXTS = frozenset({"boot", "before", "invocation", "network"})
"""The fields that are texts; the others are whole numbers."""
MOST = {"supervisor": 2**22, "leader": 2**22, "since": 2**35}
"""The greatest process number that Linux gives, and a time that journalctl can read."""


@frozen(kw_only=True)
class Start:
    """One start of an agent's machine, written before systemd is asked and once more when the machine is up.

    `slot` gives the machine its user ids and its address, `first` is when the agent's first machine was recorded, in
    microseconds since 1970, so that the log of one who had that name before is told apart;
    `before` is the unit's invocation before this start, and `invocation` its own (both empty where there is none, or
    it is not known yet). `supervisor` is the process of systemd-nspawn, `leader` the machine's first;
    `since` is in unix seconds, the processes' start times in clock ticks of that `boot`. `over` is 1 where the machine
    never came up, or was gone at once. `network` is the kind that it was started with (empty: the daemon's).
    """

    generation: int
    boot: str
    slot: int
    first: int
    before: str = ""
    invocation: str = ""
    supervisor: int = 0
    supervisor_started: int = 0
    leader: int = 0
    leader_started: int = 0
    since: int = 0
    over: int = 0
    network: str = ""

    @property
    def up(self) -> bool:
        """Whether the machine was seen to be up."""
        return self.leader > 0

    @property
    def in_doubt(self) -> bool:
        """Whether only systemd can tell what became of this start: a daemon was killed in the middle of it."""
        return not self.up and not self.over and self.boot == proc.boot()


@define(eq=False)
class Starts:
    """The last start of every agent, as recorded below `directory`: read once, and written here alone."""

    _directory: Path
    _read: dict[str, Start] | None = field(init=False, default=None)

    @property
    def known(self) -> dict[str, Start]:
        """All of them, by the agents' names."""
        if self._read is None:
            self._read = recorded(self._directory)
        return self._read

    def put(self, name: str, start: Start) -> None:
        """Record that this is the agent's last start. Raises ContainerError."""
        write_start(self._directory / name, start)
        self.known[name] = start

    def forget(self, name: str) -> None:
        """The agent's record was removed."""
        self.known.pop(name, None)


def read_start(runtime: Path) -> Start | None:
    """The last start that was recorded in that directory, if the record is whole."""
    try:
        return _understood(json.loads((runtime / RECORD).read_bytes()))
    except (OSError, ValueError, TypeError, RecursionError):
        return None


def write_start(runtime: Path, start: Start) -> None:
    """Record the start, whole or not at all; after a reboot it means nothing any more. Raises ContainerError."""
    new = runtime / f"{RECORD}.new"
    try:
        runtime.mkdir(mode=0o700, parents=True, exist_ok=True)
        with new.open("w", encoding="ascii") as file:
            json.dump(attrs.asdict(start), file)
        new.replace(runtime / RECORD)
    except OSError as error:
        raise ContainerError(f"{runtime / RECORD} can't be written: {error.strerror}") from error


def recorded(directory: Path) -> dict[str, Start]:
    """The last start of every agent with a record below that directory, by name."""
    found = {}
    for runtime in directory.iterdir() if directory.is_dir() else ():
        start = read_start(runtime)
        if start is not None:
            found[runtime.name] = start
    return found


def _understood(found: Any) -> Start:
    # Fields that a later version adds are none of ours, and an earlier one knew fewer.
    values = {one.name: found[one.name] for one in attrs.fields(Start) if one.name in found}
    for name, value in values.items():
        if name in TEXTS:
            good = isinstance(value, str)
        else:
            good = isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= MOST.get(name, 2**53)
        if not good:
            raise TypeError(f"{name} is {value!r}")
    return Start(**values)
