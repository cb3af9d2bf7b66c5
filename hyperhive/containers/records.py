"""What a keeper leaves in its runtime directory, read with suspicion: on `local` an agent could write there."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path

from attrs import fields_dict, frozen

from hyperhive.containers.session import Session
from hyperhive.errors import ContainerError

MOST_BYTES = 4096


@frozen(kw_only=True)
class Run:
    """`run.json`: one start of an agent; `since` in unix seconds, `*_started` in clock ticks of that boot."""

    generation: int
    since: int
    boot: str
    keeper: int
    keeper_started: int
    leader: int
    leader_started: int

    @property
    def session(self) -> Session:
        """The session that the agent's command leads."""
        return Session(self.leader, self.leader_started)


def read_run(runtime: Path) -> Run | None:
    """The last start of the agent, if it left a whole record."""
    record = _read(runtime / "run.json")
    found = {name: record.get(name) for name in fields_dict(Run)}
    boot = found.pop("boot")
    numbers = {name: value for name, value in found.items() if type(value) is int and value > 0}
    if not isinstance(boot, str) or numbers.keys() != found.keys():
        return None
    return Run(boot=boot, **numbers)


def require_run(runtime: Path, generation: int) -> Run:
    """The record of that very start. Raises ContainerError."""
    run = read_run(runtime)
    if run is None or run.generation != generation:
        raise ContainerError(
            f"{runtime / 'run.json'} does not record start {generation}; is it written by someone else?"
        )
    return run


def read_cause(runtime: Path, generation: int) -> str | None:
    """Why that start of the agent ended, in words, if that was written down."""
    record = {name: value for name, value in _read(runtime / "exit.json").items() if type(value) is int}
    if record.get("generation") != generation:
        return None
    if "status" in record:
        return f"exited with status {record['status']}"
    return f"killed by {_signal_name(record['signal'])}" if "signal" in record else None


def forget_exit(runtime: Path, generation: int) -> None:
    """A start that is tried again under its number has not ended yet."""
    if read_cause(runtime, generation) is not None:
        (runtime / "exit.json").unlink(missing_ok=True)


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def _read(path: Path) -> dict[str, object]:
    """The object in that file, and an empty one for anything else; neither follows a link nor waits at a pipe."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        try:
            record = json.loads(os.read(descriptor, MOST_BYTES))
        finally:
            os.close(descriptor)
    except (OSError, ValueError, RecursionError):
        return {}
    return record if isinstance(record, dict) else {}
