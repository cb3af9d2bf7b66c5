"""What agents take of the host's memory and processors, as the kernel counts it for the processes of a session.

These functions read all of `/proc`, and may wait: they belong in a thread.
"""

from __future__ import annotations

import os
from collections.abc import Mapping

from hyperhive.boundaries import Consumption
from hyperhive.containers import proc
from hyperhive.containers.session import Session

TICKS = os.sysconf("SC_CLK_TCK")


def of_sessions(sessions: Mapping[str, Session]) -> dict[str, Consumption]:
    """What the processes of each session hold now, and have used; nothing of a session that is gone.

    Memory that several processes share is counted once, in equal parts. Time is that of the processes that are there
    and of those they have waited for.
    """
    leaders = {session.leader: (name, session) for name, session in sessions.items()}
    memory: dict[str, int | None] = {}
    ticks: dict[str, int] = {}
    for pid in proc.ours():
        process = proc.look(pid)
        name, session = leaders.get(process.session, ("", None)) if process else ("", None)
        if process is None or session is None or process.started < session.leader_started:
            continue
        held, before = proc.memory(pid), memory.get(name, 0)
        memory[name] = None if held is None or before is None else before + held
        ticks[name] = ticks.get(name, 0) + process.ticks
    return {name: Consumption(memory=memory[name], seconds=ticks[name] / TICKS) for name in memory}
