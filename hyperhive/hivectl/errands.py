"""What a command line comes to: requests for the daemon, and what to make of the answers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final, NamedTuple

from attrs import define

from hyperhive.hivectl.page import Line, Page, View
from hyperhive.wire.host_requests import HostRequest

if TYPE_CHECKING:
    from hyperhive.hivectl.screen import Screen
    from hyperhive.wire.responses import HostResponse

PATIENCE: Final = 10.0
"""Seconds that a daemon has for an answer that needs no work on an agent,"""
ORDER_PATIENCE: Final = 20.0
"""and for one that the program inside an agent has its say in: it has 10 of them."""


@define
class Settings:
    """What the options common to all commands said. `timeout` is in seconds."""

    socket: str | None = None
    json: bool = False
    timeout: float | None = None


class Query(NamedTuple):
    """Requests that are answered within `patience` seconds, and the page of their answers."""

    requests: tuple[HostRequest, ...]
    page: Callable[[Sequence[HostResponse], View], Page]
    patience: float = PATIENCE


class Work(NamedTuple):
    """Work on agents, done when its operation has ended.

    `starting` is answered as soon as the operation is on disk and names it; `lasting` is the same request answered
    at the operation's end, None where the wire has no such form. `done` is what to say when all went well.
    """

    starting: HostRequest
    lasting: HostRequest | None
    done: str
    wait: bool = True


class Watch(NamedTuple):
    """A subscription, followed until the reader has enough; `before` is asked and shown first."""

    request: HostRequest
    page: Callable[[HostResponse, View], Page]
    before: Query | None = None


class Reading(NamedTuple):
    """One turn, with all that its runner wrote; if `follow`, until it has ended."""

    turn: int
    follow: bool


class Home(NamedTuple):
    """What needs the operator, live on the whole terminal, until the reader has enough."""


class Chore(NamedTuple):
    """Something to do on this machine without a daemon; gives the exit status."""

    do: Callable[[Settings, Screen], int]


Errand = Query | Work | Watch | Reading | Home


def query(request: HostRequest, page: Callable[[HostResponse, View], Page]) -> Query:
    """One request, and the page of its answer."""
    return Query((request,), lambda replies, view: page(replies[0], view))


def deed(request: HostRequest, done: str) -> Query:
    """One request whose answer is only that it is done."""
    return query(request, lambda _reply, _view: (Line(done),))
