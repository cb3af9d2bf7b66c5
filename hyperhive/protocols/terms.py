"""On what terms conversations are held."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from attrs import frozen
from twisted.internet.interfaces import IReactorTime

from hyperhive.protocols.answers import Desk
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
