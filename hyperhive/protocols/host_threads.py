"""What the operator is told of conversations between agents that are held, and how one is let go."""

from __future__ import annotations

from twisted.internet.defer import Deferred

from hyperhive.services.broker import Broker
from hyperhive.wire import host_turn_requests as ask
from hyperhive.wire.responses import HostResponse


def answer_threads(broker: Broker, request: ask.Held | ask.Release) -> Deferred[HostResponse]:
    """The held conversations, or that one of them is released."""
    match request:
        case ask.Held():
            return broker.held().addCallback(lambda rows: HostResponse(ok=True, held=rows))
        case ask.Release(thread=thread):
            return broker.release(thread).addCallback(lambda _: HostResponse(ok=True))
