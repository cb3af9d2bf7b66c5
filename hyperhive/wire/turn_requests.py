"""What the program inside an agent says of its turns on the agent's socket, and how it takes orders there."""

from __future__ import annotations

from attrs import frozen

from hyperhive.wire.fields import Events, Ids, Name, Position, Text, Unsigned, absent
from hyperhive.wire.states import HarnessState, TurnOutcome
from hyperhive.wire.turns import Usage


@frozen
class BeginTurn:
    """A turn begins, about those messages in hand (none: work of the agent's own). An open one is interrupted by it."""

    ids: Ids
    runner: Name
    model: Name | None = absent()


@frozen
class TurnEvents:
    """The next lines of the turn's stream; `first` is the number of the first of them, so that none is kept twice."""

    turn: int
    first: Position
    events: Events


@frozen
class EndTurn:
    """The turn has ended, and with it its mail: done, or queued again. `spent` false costs no attempt.

    The turn's mail is what it began with and what was handed to the agent since. Replies that were kept for its end
    leave now where it is `done`, and are forgotten otherwise.
    """

    turn: int
    outcome: TurnOutcome
    spent: bool | None = absent()
    error: Text | None = absent()
    usage: Usage | None = absent()


@frozen
class Report:
    """How the program inside the agent stands now, and which runner does its turns."""

    state: HarnessState
    until: int | None = absent()
    model: Name | None = absent()
    note: Text | None = absent()
    runner: Name | None = absent()


@frozen
class Orders:
    """What the operator wants of the program inside the agent; waits for `wait_seconds` at most (30 if absent)."""

    wait_seconds: Unsigned | None = absent()


TurnRequest = BeginTurn | TurnEvents | EndTurn | Report | Orders
