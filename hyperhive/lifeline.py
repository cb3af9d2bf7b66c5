"""The life of one connection: what may still be heard from the peer, and what is still owed to it.

talking ──half_close──▶ answering ──lose──▶ over    the peer asks no more, and gets its answers
   │────refuse────────▶ answering                   it broke the rules of the line; it gets that said
   └────follow────────▶ following ──lose──▶ over    it subscribed; what it says now is not for us
                            └─────half_close─────▶ answering
"""

from __future__ import annotations

from typing import Protocol

from attrs import define
from automat import TypeMachineBuilder


@define
class Standing:
    """Where a connection stands, for those who ask often.

    `hears`: a line from the peer is a request. `ends`: the connection is closed once everything asked is answered.
    `gone`: nobody is there any more.
    """

    hears: bool = True
    ends: bool = False
    gone: bool = False


class Lifeline(Protocol):
    """What can happen to a connection. Each keeps its `Standing` true; what comes too late changes nothing."""

    def half_close(self) -> None:
        """The peer shut down its sending side."""

    def refuse(self) -> None:
        """The peer broke the rules of the line."""

    def follow(self) -> None:
        """The peer subscribed."""

    def lose(self) -> None:
        """The connection is closed."""


def _build() -> TypeMachineBuilder[Lifeline, Standing]:
    builder = TypeMachineBuilder(Lifeline, Standing)
    talking = builder.state("talking")
    answering = builder.state("answering")
    following = builder.state("following")
    over = builder.state("over")

    @talking.upon(Lifeline.half_close).to(answering)
    @talking.upon(Lifeline.refuse).to(answering)
    @following.upon(Lifeline.half_close).to(answering)
    def _(_: Lifeline, standing: Standing) -> None:
        standing.hears, standing.ends = False, True

    @talking.upon(Lifeline.follow).to(following)
    def _(_: Lifeline, standing: Standing) -> None:
        standing.hears = False

    @talking.upon(Lifeline.lose).to(over)
    @answering.upon(Lifeline.lose).to(over)
    @following.upon(Lifeline.lose).to(over)
    def _(_: Lifeline, standing: Standing) -> None:
        standing.hears, standing.gone = False, True

    for state, late in (
        (answering, (Lifeline.half_close, Lifeline.refuse, Lifeline.follow)),
        (following, (Lifeline.refuse, Lifeline.follow)),
        (over, (Lifeline.half_close, Lifeline.refuse, Lifeline.follow, Lifeline.lose)),
    ):
        for event in late:
            state.upon(event).loop().returns(None)
    return builder


_machine = _build().build()


def new_lifeline(standing: Standing) -> Lifeline:
    """The life of a new connection, which talks."""
    return _machine(standing)
