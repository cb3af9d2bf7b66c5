"""The tables of turns: what is listed, what of a stream is kept, and for how long."""

from __future__ import annotations

import sqlite3

import pytest

from hyperhive.errors import Refused
from hyperhive.limits import MailLimits
from hyperhive.store import agents, leases, mail, turns
from hyperhive.store.mail import Post
from hyperhive.store.turns import CUT, Opening
from hyperhive.wire.states import TurnOutcome
from hyperhive.wire.turns import Usage


@pytest.fixture(autouse=True)
def hive(connection: sqlite3.Connection) -> None:
    for name in ("alice", "bob"):
        agents.begin_start(connection, name)
        agents.is_running(connection, name)


def begin(connection: sqlite3.Connection, name: str = "bob", at: int = 100) -> int:
    opening = Opening(agent=name, ids=(), handed=frozenset(), runner="command", model=None, at=at)
    return turns.begin(connection, opening)


def close(connection: sqlite3.Connection, turn: int) -> None:
    turns.close(connection, turn, TurnOutcome.DONE, None, Usage(), 200)


def hear(connection: sqlite3.Connection, turn: int, first: int, *events: str, at: int = 100) -> int:
    return turns.hear(connection, turns.one(connection, turn), first, events, at)


def kept(connection: sqlite3.Connection, turn: int) -> list[str]:
    return [event.event for event in turns.log(connection, turn, 0)[1]]


def test_an_agent_is_in_one_turn_at_a_time(connection: sqlite3.Connection) -> None:
    begin(connection)
    begin(connection, "alice")
    with pytest.raises(sqlite3.IntegrityError):
        begin(connection)
    assert turns.under_way(connection) == {"bob": 1, "alice": 2}


def test_turns_are_listed_newest_first(connection: sqlite3.Connection) -> None:
    for name in ("bob", "alice", "bob"):
        close(connection, begin(connection, name))
    assert [turn.id for turn in turns.listed(connection, None, 9, None)] == [3, 2, 1]
    assert [turn.id for turn in turns.listed(connection, "bob", 9, None)] == [3, 1]
    assert [turn.id for turn in turns.listed(connection, None, 1, 3)] == [2]
    with pytest.raises(Refused, match="there is no turn 4; 'turns' lists the last ones"):
        turns.one(connection, 4)


def test_mail_belongs_to_the_turn_in_which_it_was_leased(connection: sqlite3.Connection) -> None:
    post = Post(sender="alice", to="bob", body="hi", at=1)
    ids = [mail.send(connection, post, MailLimits())]
    leases.lease(connection, "bob", 1, 1)
    turn = begin(connection)
    ids.append(mail.send(connection, post, MailLimits()))
    leases.lease(connection, "bob", 1, 2)
    ids.append(mail.send_leased(connection, post, 3, MailLimits())[0].id)
    assert leases.leased_in(connection, "bob", turn) == set(ids[1:])
    leases.put_back(connection, [(ids[1], 2)], shown=False)
    close(connection, turn)
    leases.lease(connection, "bob", 1, 4)
    assert leases.leased_in(connection, "bob", turn) == {ids[2]}


def test_a_stream_may_have_holes_but_no_event_twice(connection: sqlite3.Connection) -> None:
    turn = begin(connection)
    assert hear(connection, turn, 1, "a") == 1
    assert hear(connection, turn, 5, "e", "f") == 2
    assert hear(connection, turn, 2, "b", "c", "d", "e") == 0
    assert kept(connection, turn) == ["a", "e", "f"]
    assert turns.one(connection, turn).events == 3


def test_a_stream_ends_with_a_word_where_it_has_too_many_events(
    connection: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(turns, "MOST_TURN_EVENTS", 3)
    turn = begin(connection)
    assert hear(connection, turn, 1, "a", "b", "c") == 3
    assert hear(connection, turn, 4, "d", "e") == 1
    assert hear(connection, turn, 6, "f") == 0
    assert kept(connection, turn) == ["a", "b", "c", CUT]


def test_a_stream_ends_with_a_word_where_it_is_too_long(
    connection: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(turns, "TURN_EVENTS_BYTES", 5)
    turn = begin(connection)
    assert hear(connection, turn, 1, "ää") == 1
    assert hear(connection, turn, 2, "bb", "c") == 1
    assert hear(connection, turn, 4, "d") == 0
    assert kept(connection, turn) == ["ää", CUT]


def test_an_answer_has_as_much_of_a_stream_as_fits_on_a_line(connection: sqlite3.Connection) -> None:
    turn = begin(connection)
    hear(connection, turn, 1, *(["x" * 60_000] * 30))
    first = turns.log(connection, turn, 0)[1]
    assert 10 < len(first) < 30
    rest = turns.log(connection, turn, first[-1].seq)[1]
    assert [event.seq for event in (*first, *rest)] == list(range(1, 31))


def test_old_events_are_forgotten_and_their_turns_are_not(connection: sqlite3.Connection) -> None:
    old = begin(connection)
    hear(connection, old, 1, "a", "b", at=10)
    hear(connection, old, 3, "c", at=60)
    close(connection, old)
    young = begin(connection)
    hear(connection, young, 1, "d", at=60)
    assert turns.sweep(connection, (0, 0), 50, 1) == (old, 1)
    assert turns.sweep(connection, (old, 1), 50, 9) == (young, 1)
    assert turns.sweep(connection, (young, 1), 50, 9) is None
    assert (kept(connection, old), kept(connection, young)) == (["c"], ["d"])
    assert turns.sweep(connection, (0, 0), 50, 9) is None
    assert turns.one(connection, old).events == 3
