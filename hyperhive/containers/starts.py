"""The record of a machine's last start: which start of the agent it is, and how its processes and journal are found."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import attrs
from attrs import frozen

from hyperhive.errors import ContainerError

RECORD = "start.json"
TEXTS = frozenset({"boot", "before", "invocation"})
"""The fields that are texts; the others are whole numbers."""


@frozen(kw_only=True)
class Start:
    """One start of an agent's machine, written before systemd is asked and once more when the machine is up.

    `slot` gives the machine its user ids and its address, `first` is when the agent's first machine was recorded, in
    microseconds since 1970, so that the log of one who had that name before is told apart;
    `before` is the unit's invocation before this start, and `invocation` its own (both empty where there is none, or
    it is not known yet). `supervisor` is the process of systemd-nspawn, `leader` the machine's first;
    `since` is in unix seconds, the processes' start times in clock ticks of that `boot`.
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

    @property
    def up(self) -> bool:
        """Whether the machine was seen to be up."""
        return self.leader > 0


def read_start(runtime: Path) -> Start | None:
    """The last start that was recorded in that directory, if the record is whole."""
    try:
        return _understood(json.loads((runtime / RECORD).read_bytes()))
    except (OSError, ValueError, TypeError, RecursionError):
        return None


def write_start(runtime: Path, start: Start) -> None:
    """Record the start, whole or not at all. Raises ContainerError."""
    new = runtime / f"{RECORD}.new"
    try:
        runtime.mkdir(mode=0o700, parents=True, exist_ok=True)
        with new.open("w", encoding="ascii") as file:
            json.dump(attrs.asdict(start), file)
            file.flush()
            os.fsync(file.fileno())
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
            good = isinstance(value, int) and not isinstance(value, bool) and value >= 0
        if not good:
            raise TypeError(f"{name} is {value!r}")
    return Start(**values)
