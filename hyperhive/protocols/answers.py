"""What a desk may answer a conversation with, beside an answer as it is."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from attrs import frozen


class Lease(Protocol):
    """What an answer handed out, until it is known what became of it."""

    def was_read(self) -> None:
        """The peer has read the answer."""

    def was_not_read(self) -> None:
        """The peer is gone, and may or may not have read the answer."""

    def was_not_written(self) -> None:
        """The peer was gone before the answer was written."""


@frozen
class Handed:
    """An answer that hands something out."""

    answer: Any
    lease: Lease


class Stream(Protocol):
    """Where answers go that nobody asks for one by one."""

    def write_answer(self, answer: Any) -> None:
        """Write one more answer."""

    def flows(self) -> bool:
        """Whether the peer keeps up; while it does not, nothing more should be written."""

    def when_it_flows(self, resume: Callable[[], None]) -> None:
        """What to call when the peer has caught up."""


@frozen
class Following:
    """The answer to a subscription: after it, `begin` writes to the stream until what it returned is called."""

    answer: Any
    begin: Callable[[Stream], Callable[[], None]]


class Desk(Protocol):
    """What answers the requests of one connection."""

    def answer(self, request: Any) -> Any:
        """The answer: as it is, `Handed`, `Following`, or a Deferred or coroutine of one. Raises HiveError."""

    def hurry(self) -> None:
        """The peer will ask no more: what waits is answered with what there is."""

    def left(self) -> None:
        """The peer is gone: what waits is given up."""
