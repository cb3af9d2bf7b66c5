"""The restart policy: what becomes of an agent that is down, and nobody had asked for that."""

from __future__ import annotations

import math

from twisted.logger import Logger, LogLevel

from hyperhive.limits import ON_CRASH, RestartPolicy
from hyperhive.services.effects import Effects
from hyperhive.store import agents, configs, restarts
from hyperhive.store.database import Connection
from hyperhive.wire import events
from hyperhive.wire.names import MANAGER

_log = Logger()


def went_down(
    connection: Connection, effects: Effects, policy: RestartPolicy, name: str, note: str, now: float
) -> None:  # fmt: skip
    """Tell the manager that the agent is down, which its row says already, and owe it a restart or give it up.

    Part of the change that finds it down, so that a restart is owed exactly once whenever the daemon ends.
    """
    crash = events.ContainerCrash(agent=name, note=note)
    given_up = None
    if restarts_after_crash(connection, policy, name):
        count = restarts.count_since(connection, name, now - policy.window)
        if count < policy.attempts:
            at = now + policy.pause_after(count)
            restarts.owe(connection, name, at)
            crash = events.ContainerCrash(agent=name, note=note, restart_at=math.ceil(at))
        else:
            given_up = f"{note}; given up after {_counted(count, 'restart')} in {_span(policy.window)}"
    effects.tell_manager(connection, crash, int(now))
    if given_up is not None:
        agents.given_up(connection, name, given_up)
        effects.tell_manager(connection, events.RestartGivenUp(agent=name, note=given_up), int(now))
        effects.given_up.append((name, given_up))


def restarts_after_crash(connection: Connection, policy: RestartPolicy, name: str) -> bool:
    """Whether the agent is started again after a crash: what its own configuration says of that comes first."""
    own = configs.restart(connection, name)
    return policy.restarts(name) if own is None else own == ON_CRASH


def log_given_up(effects: Effects) -> None:
    """Say in the log which agents were given up, once that is on disk; of the manager nobody else will read it."""
    for name, note in effects.given_up:
        level = LogLevel.error if name == MANAGER else LogLevel.warn
        _log.emit(level, "{name} is not started again: {note}", name=name, note=note)


def _span(seconds: float) -> str:
    for size, unit in ((3600, "hour"), (60, "minute"), (1, "second")):
        if seconds % size == 0:
            return _counted(int(seconds // size), unit)
    return f"{seconds:g} seconds"


def _counted(count: int, what: str) -> str:
    return f"{count} {what}" if count == 1 else f"{count} {what}s"
