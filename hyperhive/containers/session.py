"""A session of processes: what an agent's leader started, unless it began a session of its own.

These functions read all of `/proc`, and may wait: they belong in a thread.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from time import monotonic

from attrs import frozen

from hyperhive.containers import pidfd, proc


@frozen
class Session:
    """The session of a leader with that process number and start time."""

    leader: int
    leader_started: int


def signal_session(session: Session, *numbers: signal.Signals) -> None:
    """Send the signals, in that order, to all that is alive in the session."""
    with _members(session, {}) as members:
        for number in numbers:
            for descriptor in members.values():
                pidfd.send(descriptor, number)


def kill_session(session: Session, seconds: float, marks: Mapping[bytes, bytes]) -> list[int]:
    """SIGKILL what is alive in the session until nothing is; what would not die in that time is returned.

    Spares what was not executed with all of `marks` in its environment.
    """
    deadline = monotonic() + seconds
    while True:
        with _members(session, marks) as members:
            for descriptor in members.values():
                pidfd.send(descriptor, signal.SIGKILL)
            for descriptor in members.values():
                pidfd.wait(descriptor, deadline - monotonic())
            if not members or monotonic() > deadline:
                return sorted(members)


@contextmanager
def _members(session: Session, marks: Mapping[bytes, bytes]) -> Iterator[dict[int, int]]:
    """Process descriptors by number.

    The kernel gives a session's number to nobody else while anything of the session is left; if its leader has
    another start time now, nothing is.
    """
    members: dict[int, int] = {}
    try:
        first = proc.look(session.leader)
        if first is None or first.started == session.leader_started:
            for pid in proc.ours():
                process = proc.look(pid)
                if process and process.session == session.leader and process.started >= session.leader_started:
                    descriptor = pidfd.open_process(pid, process.started)
                    if descriptor is not None and marks.items() <= proc.environment(pid).items():
                        members[pid] = descriptor
                    elif descriptor is not None:
                        os.close(descriptor)
        yield members
    finally:
        for descriptor in members.values():
            os.close(descriptor)
