"""Dead letters: how mail becomes one, and how it is queued again."""

from __future__ import annotations

import sqlite3

import pytest

from hyperhive.errors import InboxFull, Refused, UnknownAgent
from hyperhive.store import agents, dead_letters, leases
from hyperhive.store.message_states import DEAD, DONE, QUEUED
from hyperhive.wire.events import Bounced
from hyperhive.wire.names import OPERATOR
from tests.store.mailbag import LIMITS, bounces, kill, lease, requeue, send, state

pytestmark = pytest.mark.usefixtures("three_agents")


def test_each_attempt_is_counted_and_the_last_makes_a_dead_letter(connection: sqlite3.Connection) -> None:
    id_ = send(connection)
    lease(connection)
    assert requeue(connection, [id_], spent=True) == []
    assert state(connection, id_) == (QUEUED, True, 1)
    lease(connection)
    ((told, whom),) = requeue(connection, [id_], spent=True)
    assert state(connection, id_) == (DEAD, True, 2)
    assert whom == "alice"
    assert told > id_
    assert bounces(connection, "alice") == [Bounced(id=id_, to="bob", reason="it was put back, 2 times")]
    assert lease(connection) == []


def test_what_is_put_back_unspent_never_dies(connection: sqlite3.Connection) -> None:
    id_ = send(connection)
    for number in range(5):
        lease(connection, number=number)
        assert requeue(connection, [id_], spent=False) == []
    assert state(connection, id_) == (QUEUED, True, 0)


@pytest.mark.parametrize("sender", [OPERATOR, "system", "reminder", "gone"])
def test_nobody_is_told_of_a_bounce_where_nobody_has_an_inbox(connection: sqlite3.Connection, sender: str) -> None:
    id_ = send(connection, sender=sender)
    assert dead_letters.bury(connection, [id_], "why", 200) == []
    assert state(connection, id_)[0] == DEAD


def test_a_dead_letter_is_queued_again_with_its_attempts_forgotten(connection: sqlite3.Connection) -> None:
    id_ = send(connection)
    lease(connection)
    requeue(connection, [id_], spent=True)
    dead_letters.bury(connection, [id_], "why", 200)
    assert dead_letters.revive(connection, id_, LIMITS) == "bob"
    assert state(connection, id_) == (QUEUED, True, 0)
    assert lease(connection) == [id_]


def test_what_is_no_dead_letter_is_not_queued_again(connection: sqlite3.Connection) -> None:
    for id_ in (send(connection), 99):
        with pytest.raises(Refused, match=f"message {id_} is no dead letter"):
            dead_letters.revive(connection, id_, LIMITS)


def test_a_dead_letter_to_a_destroyed_agent_stays_one(connection: sqlite3.Connection) -> None:
    id_ = kill(connection)
    agents.is_destroyed(connection, "bob")
    with pytest.raises(UnknownAgent):
        dead_letters.revive(connection, id_, LIMITS)


@pytest.mark.parametrize("bodies", [[""] * 5, ["x" * 6]])
def test_a_dead_letter_is_not_queued_again_into_a_full_inbox(connection: sqlite3.Connection, bodies: list[str]) -> None:
    id_ = kill(connection)
    for body in bodies:
        send(connection, body)
    with pytest.raises(InboxFull):
        dead_letters.revive(connection, id_, LIMITS)


def test_a_purge_makes_everything_undone_a_dead_letter(connection: sqlite3.Connection) -> None:
    ids = [send(connection, str(number)) for number in range(4)]
    leases.lease(connection, "bob", 2, 1)
    leases.settle(connection, [(ids[0], 1)], 150)
    other = send(connection, to="carol")
    told = dead_letters.bury_inbox(connection, "bob", "'bob' was purged", 200)
    assert [state(connection, id_)[0] for id_ in ids] == [DONE, DEAD, DEAD, DEAD]
    assert state(connection, other)[0] == QUEUED
    assert {name for _, name in told} == {"alice"}
    assert {bounce.id for bounce in bounces(connection, "alice")} == set(ids[1:])


def test_a_late_settlement_does_not_wake_the_dead(connection: sqlite3.Connection) -> None:
    id_ = send(connection)
    lease(connection)
    dead_letters.bury(connection, [id_], "why", 200)
    leases.settle(connection, [(id_, 1)], 201)
    leases.put_back(connection, [(id_, 1)], shown=True)
    assert leases.acknowledge(connection, "bob", [id_], 201) == []
    assert state(connection, id_)[0] == DEAD
