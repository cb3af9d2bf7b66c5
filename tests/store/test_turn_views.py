"""What is seen of turns at a glance, at the end of a stream, and summed up."""

from __future__ import annotations

import sqlite3

import pytest

from hyperhive.limits import MailLimits
from hyperhive.store import agents, leases, mail, turn_views, turns
from hyperhive.store.mail import Post
from hyperhive.store.turn_views import LOOKED_THROUGH, Spent
from hyperhive.store.turns import Opening
from hyperhive.wire.states import TurnOutcome
from hyperhive.wire.turns import Usage

CALL = '{"type": "assistant", "message": {"content": [{"type": "tool_use", "name": "Bash", "input": {}}]}}'


@pytest.fixture(autouse=True)
def hive(connection: sqlite3.Connection) -> None:
    for name in ("alice", "bob"):
        agents.begin_start(connection, name)
        agents.is_running(connection, name)


def begin(connection: sqlite3.Connection, name: str = "bob", at: int = 100, ids: tuple[int, ...] = ()) -> int:
    opening = Opening(agent=name, ids=ids, handed=frozenset(ids), runner="command", model=None, at=at)
    return turns.begin(connection, opening)


def ended(connection: sqlite3.Connection, name: str, at: int, usage: Usage) -> None:
    turns.close(connection, begin(connection, name, at), TurnOutcome.DONE, None, usage, at + 1)


def hear(connection: sqlite3.Connection, turn: int, *events: str) -> None:
    turns.hear(connection, turns.one(connection, turn), turns.last_event(connection, turn) + 1, events, 100)


def test_a_glance_shows_the_turn_its_mail_and_the_last_call_of_a_tool(connection: sqlite3.Connection) -> None:
    id_ = mail.send(connection, Post(sender="alice", to="bob", body="fix it", at=1), MailLimits()).id
    leases.lease(connection, "bob", 1, 1)
    turn = begin(connection, ids=(id_,))
    hear(connection, turn, "first", CALL, "later")
    begin(connection, "alice")
    seen = turn_views.glances(connection)
    assert seen.keys() == {"alice", "bob"}
    assert (seen["bob"].turn.id, seen["bob"].call) == (turn, CALL)
    assert seen["bob"].mail is not None
    assert seen["bob"].mail.body == "fix it"
    assert (seen["alice"].mail, seen["alice"].call) == (None, None)


def test_a_call_long_ago_is_not_looked_for(connection: sqlite3.Connection) -> None:
    turn = begin(connection)
    hear(connection, turn, CALL, *["x"] * LOOKED_THROUGH)
    assert turn_views.glances(connection)["bob"].call is None


def test_the_tail_of_a_stream_is_its_last_events_oldest_first(connection: sqlite3.Connection) -> None:
    turn = begin(connection)
    hear(connection, turn, "a", "b", "c")
    assert [event.event for event in turn_views.tail(connection, turn, 2)] == ["b", "c"]
    assert [event.seq for event in turn_views.tail(connection, turn, 9)] == [1, 2, 3]


def test_what_was_spent_is_summed_up_by_agent_from_a_moment_on(connection: sqlite3.Connection) -> None:
    ended(connection, "bob", 99, Usage(input_tokens=1000, cost_micros=1000))
    ended(connection, "bob", 100, Usage(input_tokens=10, output_tokens=5, cost_micros=7))
    ended(connection, "bob", 200, Usage(output_tokens=1))
    ended(connection, "alice", 200, Usage())
    assert turn_views.spent(connection, 100) == {
        "bob": Spent(turns=2, tokens=16, cost_micros=7),
        "alice": Spent(turns=1, tokens=None, cost_micros=None),
    }
