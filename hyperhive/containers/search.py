"""What of a hive's agents runs, as the processes themselves say it: for a daemon that has just started."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator

from attrs import Factory, define

from hyperhive.containers import keeper, pidfd, proc
from hyperhive.containers.keeping import state_mark
from hyperhive.containers.records import Run, read_cause, read_run
from hyperhive.containers.session import kill_session
from hyperhive.layout import Layout

STATE, AGENT, _ = (mark.encode() for mark in keeper.MARKS)
KILL_SECONDS = 5.0


@define
class Findings:
    """Agents that are up, and keepers whose command is not up yet, as process number and start time."""

    running: dict[str, Run] = Factory(dict)
    unsettled: dict[str, tuple[int, int]] = Factory(dict)


def search(layout: Layout) -> Findings:
    """Look for keepers of this hive among all processes, and end what dead ones left. Takes a thread's time."""
    boot, state, findings = proc.boot(), state_mark(layout), Findings()
    sessions = set()
    for pid in proc.ours():
        process = proc.look(pid)
        if process is None or process.ended:
            continue
        sessions.add(process.session)
        name = _kept_by(pid, state)
        if name is None:
            continue
        run = read_run(layout.runtime(name))
        if run and (run.keeper, run.keeper_started, run.boot) == (pid, process.started, boot):
            findings.running[name] = run
        else:
            findings.unsettled.setdefault(name, (pid, process.started))
    for name in findings.running:
        findings.unsettled.pop(name, None)
    for name, run in _orphaned(layout, findings):
        if run.boot == boot and run.leader in sessions:
            kill_session(run.session, KILL_SECONDS, marks(layout, name))
    return findings


def marks(layout: Layout, name: str) -> dict[bytes, bytes]:
    """What tells this agent's processes from others."""
    return {b"HIVE_AGENT": name.encode(), b"HIVE_STATE_DIR": os.fsencode(layout.notes(name))}


def kill_keeper(pid: int, started: int) -> None:
    """SIGKILL to that very process."""
    descriptor = pidfd.open_process(pid, started)
    if descriptor is not None:
        pidfd.send(descriptor, signal.SIGKILL)
        os.close(descriptor)


def _kept_by(pid: int, state: bytes) -> str | None:
    environment = proc.environment(pid)
    if environment.get(STATE) != state:
        return None
    name = environment.get(AGENT, b"").decode(errors="replace")
    return name if name and "/" not in name and not name.startswith(".") else None


def _orphaned(layout: Layout, findings: Findings) -> Iterator[tuple[str, Run]]:
    """Starts whose keeper is gone and did not write down how they ended."""
    runtimes = layout.runtime("any").parent
    for directory in runtimes.iterdir() if runtimes.is_dir() else ():
        name = directory.name
        if name in findings.running or name in findings.unsettled:
            continue
        run = read_run(directory)
        if run and read_cause(directory, run.generation) is None:
            yield name, run
