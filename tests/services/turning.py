"""Turns of bob's: mail put into his hands, a turn begun, replied in and ended, and what came of it all."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hyperhive.store.mail import Post
from hyperhive.wire.records import MessageRow
from hyperhive.wire.states import TurnOutcome
from hyperhive.wire.turns import Turn
from tests.bench import Bench

NOT_DONE = [outcome for outcome in TurnOutcome if outcome is not TurnOutcome.DONE]


def hand(bench: Bench, *bodies: str, sender: str = "alice", read: bool = True) -> list[int]:
    """Send messages to bob and put them into his hands; their ids."""
    for body in bodies:
        bench.send(sender, "bob", body)
    take = bench.get(bench.receive("bob", 32))
    bench.leases.hand("bob", take, lambda: None).read = read
    return [letter.id for letter in take.letters]


def begin(bench: Bench, *ids: int, model: str | None = None) -> int:
    return bench.get(bench.turns.begin("bob", ids, "command", model))


def end(bench: Bench, turn: int, outcome: TurnOutcome = TurnOutcome.DONE, **more: Any) -> int:
    given = {"error": None, "usage": None, "spent": True, **more}
    return bench.get(bench.turns.end("bob", turn, outcome, **given))


def reply(bench: Bench, body: str = "yes", to: str = "alice", in_reply_to: int | None = None) -> Sequence[int] | None:
    post = Post(sender="bob", to=to, body=body, at=bench.broker.now(), in_reply_to=in_reply_to)
    return bench.get(bench.turns.send(post))


def state_of(bench: Bench, id_: int) -> tuple[int, int, int]:
    """State, mark and attempts of a message."""
    return next(row[1:] for row in bench.states() if row[0] == id_)


def messages_of(bench: Bench, sender: str) -> list[MessageRow]:
    """What somebody sent, oldest first."""
    rows = bench.get(bench.broker.messages(sender, 100, None))
    return [row for row in reversed(rows) if row.sender == sender]


def row(bench: Bench, turn: int) -> Turn:
    return bench.get(bench.turns.log(turn, 0))[0]
