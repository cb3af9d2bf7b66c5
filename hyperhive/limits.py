"""How much, how many and how long: the hive's bounds, and the functions that hold a request to them."""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import IPv4Network
from pathlib import Path
from typing import Final

from attrs import field, frozen

from hyperhive.wire.names import MANAGER

MAX_LINE: Final = 1024 * 1024
"""Bytes of one line, its end not counted."""
MAX_CONNECTIONS: Final = 64
"""Connections of one socket."""
SOCKET_PATH_BYTES: Final = 107
"""What a Unix socket's path may take (`sun_path` holds 108 with its NUL)."""

LONGEST_NAME: Final = 32
"""Characters of an agent's name; a backend may allow fewer."""
NIXOS_LONGEST_NAME: Final = 9
"""What `nixos-container` leaves of 11 characters after `h-`."""

DEFAULT_WAIT: Final = 30
LONGEST_WAIT: Final = 60
LONGEST_BATCH_WAIT: Final = 180
LARGEST_BATCH: Final = 32
MOST_ROWS: Final = 1000
"""Rows that one answer lists at most."""
MOST_LOG_LINES: Final = 5000
MOST_OPEN_QUESTIONS: Final = 100
"""Questions that one asker may have open."""
MOST_REMINDERS: Final = 100
"""Reminders that one agent may have open."""
MOST_HELD: Final = 100
"""Messages that a held conversation takes in before it takes no more."""
MOST_SHOWN: Final = 128 * 1024
"""Characters of a configuration's files that one answer shows."""
MOST_UNDECIDED: Final = 100
"""Approvals that one asker may have waiting."""
MOST_TURN_EVENTS: Final = 20_000
"""Events of one turn that are kept,"""
TURN_EVENTS_BYTES: Final = 64 * 1024 * 1024
"""and their bytes."""
MOST_KEPT: Final = 64
"""Replies that one turn keeps for its end."""
CONTEXT_TOKENS: Final = 150_000
"""What a model may have before it after a turn, where nothing is said, until its context is shortened."""
ORDER_SECONDS: Final = 10.0
"""How long an order waits for the program inside an agent to take it."""
LONGEST_TTL: Final = 100 * 365 * 86400
"""Seconds that a question may stay open, or a reminder lie ahead; more is a mistake."""

RETENTION_SECONDS: Final = 30 * 86400
TURN_EVENTS_SECONDS: Final = 14 * 86400
"""How long what a runner wrote in a turn is kept; the turn itself is kept for good."""
RETENTION_INTERVAL: Final = 3600
RETENTION_SLICE: Final = 500
FEED_LENGTH: Final = 10_000


@frozen(kw_only=True)
class MailLimits:
    """What the operator may set of the mail's bounds; seconds and bytes.

    A conversation goes on without the operator for `thread_hops` replies between agents that lead from one to the
    next, and for `thread_rate` of them within `thread_seconds`.
    """

    max_inbox: int = 10_000
    inbox_bytes: int = 64 * 1024 * 1024
    lease_seconds: int = 3600
    max_attempts: int = 5
    thread_hops: int = 200
    thread_rate: int = 40
    thread_seconds: int = 600


NO: Final = "no"
ON_CRASH: Final = "on-crash"


@frozen(kw_only=True)
class RestartPolicy:
    """Who is started again after a crash, and how soon and how often: NO or ON_CRASH, and seconds.

    `agents` beats `manager`, which is the manager's, and `policy`, which is everybody else's.
    """

    policy: str = NO
    manager: str = ON_CRASH
    agents: Mapping[str, str] = field(factory=dict)
    attempts: int = 5
    window: float = 600.0
    pause: float = 1.0
    longest_pause: float = 60.0

    def restarts(self, name: str) -> bool:
        """Whether that agent is started again after a crash."""
        return self.agents.get(name, self.manager if name == MANAGER else self.policy) == ON_CRASH

    def pause_after(self, restarts: int) -> float:
        """How long to wait with the next restart, where there were so many within the window."""
        doublings = min(restarts, 40)  # further ones reach any longest pause, and in the end overflow
        return min(self.pause * 2.0**doublings, self.longest_pause)


def seed_wait(seconds: int | None) -> int:
    """How long a `recv` in the seed's form waits."""
    return DEFAULT_WAIT if seconds is None else min(seconds, LONGEST_WAIT)


def batch_wait(seconds: int | None) -> int:
    """How long a `recv` with `max` waits."""
    return DEFAULT_WAIT if seconds is None else min(seconds, LONGEST_BATCH_WAIT)


def rows(limit: int) -> int:
    """How many rows an answer lists where `limit` were asked for."""
    return min(limit, MOST_ROWS)


def log_lines(lines: int) -> int:
    """How many lines of a log are shown where `lines` were asked for."""
    return min(lines, MOST_LOG_LINES)


CHECK_SECONDS: Final = 10.0
"""What one check of an agent's health may take."""

NAT, NO_NETWORK, HOST_NETWORK = NETWORKS = "nat", "none", "host"


@frozen(kw_only=True)
class MachineSettings:
    """What can be set for the machines of `nspawn`. `memory` in bytes, `cpu` in percent of a processor; None: no limit.

    `image` is the tree that they all start from (None: `<state>/image`), `user` whom the image runs an agent as, and
    `subnet` where those with the network `nat` have their addresses.
    """

    image: Path | None = None
    user: str = "agent"
    network: str = NAT
    subnet: IPv4Network = IPv4Network("10.215.0.0/16")
    memory: int | None = None
    cpu: int | None = None
    tasks: int | None = 4096
