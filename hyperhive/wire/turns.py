"""Turns: what the program inside an agent says of its work, and what it is told to do."""

from __future__ import annotations

from attrs import frozen

from hyperhive.wire.fields import Name, absent
from hyperhive.wire.states import HarnessState, OrderKind, TurnOutcome


@frozen(kw_only=True)
class Usage:
    """What a turn took, as its runner counted it; what it did not say is absent.

    `input_tokens` is all that the model read, `cached_tokens` the part of it that came from the provider's cache.
    `context_tokens` is how much the model had before it at the end, `cost_micros` millionths of a dollar.
    """

    model: Name | None = absent()
    session: Name | None = absent()
    input_tokens: int | None = absent()
    output_tokens: int | None = absent()
    cached_tokens: int | None = absent()
    context_tokens: int | None = absent()
    cost_micros: int | None = absent()
    duration_ms: int | None = absent()


@frozen(kw_only=True)
class Turn:
    """One turn of an agent. `messages` is the mail that it was about, `events` how many of its stream are kept.

    Without `outcome` it goes on; `interrupted` is one that nobody ended, as its agent stopped in the middle.
    """

    id: int
    agent: str
    generation: int
    runner: str
    messages: tuple[int, ...]
    started_at: int
    ended_at: int | None = absent()
    outcome: TurnOutcome | None = absent()
    error: str | None = absent()
    usage: Usage = Usage()
    events: int = 0


@frozen(kw_only=True)
class TurnEvent:
    """One line of a turn's stream as its runner wrote it, and when it came; `seq` counts from 1 in each turn."""

    seq: int
    at: int
    event: str


@frozen(kw_only=True)
class Order:
    """What the operator wants of the program inside an agent. `turn` is the one to be cancelled.

    `model` and `token` belong to the orders that are about them.
    """

    order: OrderKind
    turn: int | None = absent()
    model: str | None = absent()
    token: str | None = absent()


@frozen(kw_only=True)
class Harness:
    """How the program inside an agent says it stands; `until` is when it goes on, `note` why it does not now.

    `runner` does its turns.
    """

    state: HarnessState
    until: int | None = absent()
    model: str | None = absent()
    note: str | None = absent()
    runner: str | None = absent()


@frozen(kw_only=True)
class HeldThread:
    """A conversation between agents whose further mail is held until it is released: since when, how many, and why."""

    thread: int
    agents: tuple[str, ...]
    since: int
    messages: int
    note: str
