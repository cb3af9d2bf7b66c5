"""How much, how many and how long: the hive's bounds, and the functions that hold a request to them."""

from __future__ import annotations

from typing import Final

from attrs import frozen

MAX_LINE: Final = 1024 * 1024
"""Bytes of one line, its end not counted."""
MAX_CONNECTIONS: Final = 64
"""Connections of one socket."""
SOCKET_PATH_BYTES: Final = 107
"""What a Unix socket's path may take (`sun_path` holds 108 with its NUL)."""

DEFAULT_WAIT: Final = 30
LONGEST_WAIT: Final = 60
LONGEST_BATCH_WAIT: Final = 180
LARGEST_BATCH: Final = 32
MOST_ROWS: Final = 1000
"""Rows that one answer lists at most."""
MOST_LOG_LINES: Final = 5000
MOST_OPEN_QUESTIONS: Final = 100
"""Questions that one asker may have open."""
LONGEST_TTL: Final = 100 * 365 * 86400
"""Seconds that a question may stay open; more is a mistake."""

RETENTION_SECONDS: Final = 30 * 86400
RETENTION_INTERVAL: Final = 3600
RETENTION_SLICE: Final = 500
FEED_LENGTH: Final = 10_000


@frozen(kw_only=True)
class MailLimits:
    """What the operator may set of the mail's bounds; seconds and bytes."""

    max_inbox: int = 10_000
    inbox_bytes: int = 64 * 1024 * 1024
    lease_seconds: int = 3600
    max_attempts: int = 5


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
