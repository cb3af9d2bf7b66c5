"""What is kept of turns and told of them: events, rows, followers, and what a purge forgets."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest

from hyperhive.errors import Refused, UnknownAgent
from hyperhive.services.changes import Changes
from hyperhive.services.feed import Kind
from hyperhive.services.turns import SOON
from hyperhive.store.database import Connection
from hyperhive.wire.records import Change
from hyperhive.wire.states import HarnessState, OperationKind
from hyperhive.wire.turns import Harness
from tests.bench import Bench
from tests.services.turning import begin, end, hand, reply, row


def test_a_purge_forgets_the_agents_turns_with_all_that_hangs_on_them(bench: Bench) -> None:
    for _ in range(2):  # one that has ended, and one that goes on
        turn = begin(bench, *hand(bench, "one"))
        bench.get(bench.turns.hear("bob", turn, 1, ["x"]))
        reply(bench)
        if turn == 1:
            end(bench, turn)
    other = bench.get(bench.turns.begin("alice", (), "command", None))
    bench.get(bench.harnesses.report("bob", Harness(state=HarnessState.READY)))
    bench.operate("bob", OperationKind.DESTROY, flag=True)
    assert [row.id for row in bench.get(bench.turns.listed(None, 9, None))] == [other]
    for table in "turn_events", "kept_replies", "harnesses":
        assert bench.do(partial(rows_of, table=table)) == []


def rows_of(connection: Connection, table: str) -> list[Any]:
    """What stands in a table."""
    return connection.execute(f"SELECT * FROM {table}").fetchall()


def test_a_destroyed_agents_turns_are_kept(bench: Bench) -> None:
    turn = begin(bench)
    bench.operate("bob", OperationKind.DESTROY)
    assert [row.id for row in bench.get(bench.turns.listed("bob", 9, None))] == [turn]


def test_turns_of_somebody_who_never_was_are_refused(bench: Bench) -> None:
    with pytest.raises(UnknownAgent, match="there is no agent 'zzz' in this hive; 'list' names those there are"):
        bench.get(bench.turns.listed("zzz", 9, None))


def test_events_are_kept_once_whatever_is_repeated(bench: Bench) -> None:
    turn = begin(bench)
    assert bench.get(bench.turns.hear("bob", turn, 1, ["a", "b"])) == 2
    assert bench.get(bench.turns.hear("bob", turn, 1, ["a", "b"])) == 0
    assert bench.get(bench.turns.hear("bob", turn, 2, ["b", "c"])) == 1
    found, kept = bench.get(bench.turns.log(turn, 1))
    assert found.events == 3
    assert [(event.seq, event.event) for event in kept] == [(2, "b"), (3, "c")]
    end(bench, turn)
    assert bench.get(bench.turns.hear("bob", turn, 2, ["b", "c"])) == 0
    with pytest.raises(Refused, match="turn 1 has ended, as 'done'; it keeps no more events"):
        bench.get(bench.turns.hear("bob", turn, 3, ["c", "d"]))
    with pytest.raises(Refused, match="'first' must be at least 1"):
        bench.get(bench.turns.hear("bob", turn, 0, ["x"]))


def test_followers_hear_of_beginning_and_end_at_once_and_of_events_soon(bench: Bench) -> None:
    seen = bench.broker.feed.seq

    def told() -> int:
        nonlocal seen
        fresh = list(bench.broker.feed.after(seen))
        seen = bench.broker.feed.seq
        return sum(entry.kind is Kind.TURN for entry in fresh)

    turn = begin(bench)
    assert told() == 1
    for first in range(1, 10):
        bench.get(bench.turns.hear("bob", turn, first, ["x"]))
    assert told() == 0
    bench.pass_time(SOON)
    assert told() == 1
    end(bench, turn)
    assert told() == 1


def test_a_turn_stands_in_the_agents_status_while_it_goes_on(bench: Bench) -> None:
    def shown() -> int | None:
        return next(status.turn for status in bench.get(bench.roster.statuses()) if status.name == "bob")

    turn = begin(bench)
    assert shown() == turn
    end(bench, turn)
    assert shown() is None


def test_a_change_of_a_turn_is_told_with_its_row(bench: Bench) -> None:
    seen = bench.broker.feed.seq
    turn = begin(bench)
    (entry,) = bench.broker.feed.after(seen)
    (change,) = bench.get(Changes(bench.broker, bench.roster).rows([entry]))
    assert change == Change(kind="turn", turn=row(bench, turn))
