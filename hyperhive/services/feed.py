"""The feed: that something changed, numbered, for whoever follows.

It carries which row changed and not the row; who follows reads the row when it can take it. So a thousand changes
cost a thousand small entries whatever the messages weigh, and a slow follower is shown rows as they are, not as
they were. What it can no longer be shown, it is told of: see `Gap`.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from enum import Enum

from attrs import define, field, frozen

from hyperhive.limits import FEED_LENGTH


class Kind(Enum):
    """What changed."""

    MESSAGE = "message"
    APPROVAL = "approval"
    QUESTION = "question"
    OPERATION = "operation"
    AGENT = "agent"
    TURN = "turn"


@frozen
class Entry:
    """Change `seq` was one of the row `key` (an id, or an agent's name). `whose`: the agent whose status it touches."""

    seq: int
    kind: Kind
    key: int | str
    whose: str | None = None


class Gap(Exception):
    """The feed no longer has, or never had, what comes after the number asked for."""


@define(eq=False)
class Feed:
    """The last `length` changes, in memory.

    Numbers rise from the microseconds of this start, so that none that an earlier daemon gave out can be
    mistaken for one of ours: whoever asks from there is told of the gap.
    """

    started_at: float
    length: int = FEED_LENGTH
    _entries: deque[Entry] = field(init=False)
    _seq: int = field(init=False)
    _followers: list[Callable[[], None]] = field(factory=list, init=False)

    def __attrs_post_init__(self) -> None:
        self._entries = deque(maxlen=self.length)
        self._seq = int(self.started_at * 1_000_000)

    @property
    def seq(self) -> int:
        """The number of the last change."""
        return self._seq

    def publish(self, kind: Kind, key: int | str, whose: str | None = None) -> None:
        """Say that a row changed. Only what is on disk is published."""
        self._seq += 1
        self._entries.append(Entry(self._seq, kind, key, whose))
        for follower in tuple(self._followers):
            follower()

    def follow(self, hint: Callable[[], None]) -> Callable[[], None]:
        """Have `hint` called at each change; returns what ends that."""
        self._followers.append(hint)
        return lambda: self._followers.remove(hint) if hint in self._followers else None

    def after(self, seq: int) -> Iterator[Entry]:
        """The changes that came after number `seq`, oldest first. Raises Gap."""
        oldest = self._entries[0].seq if self._entries else self._seq + 1
        if not oldest - 1 <= seq <= self._seq:
            raise Gap(seq)
        missed = self._seq - seq
        start = len(self._entries) - missed
        return (self._entries[index] for index in range(start, start + missed))
