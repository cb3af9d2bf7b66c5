"""On what terms conversations are held, and where their answers wait for their turn."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from attrs import define, frozen
from twisted.internet.interfaces import IReactorTime

from hyperhive.protocols.answers import Desk, Following, Lease
from hyperhive.protocols.peer import Peer
from hyperhive.wire.codec import Dialect


@frozen(kw_only=True)
class Terms:
    """What the conversations of one socket have in common.

    `desk` is given what finds out whether the peer has read its answers; `objection` says why a peer may not
    speak here, or None; `gone` is told of the end of each conversation; `outgoing` calls soon what writes answers.
    """

    dialect: Dialect[Any, Any]
    desk: Callable[[Callable[[], None]], Desk]
    clock: IReactorTime
    objection: Callable[[Peer], str | None]
    gone: Callable[[Any], None]
    outgoing: Callable[[Callable[[], None]], None] = lambda write: write()


@define(eq=False)
class Slot:
    """The place of one answer among the others; `line` is None until it is there."""

    line: bytes | None = None
    lease: Lease | None = None
    following: Following | None = None
    weight: int = 0
