"""The table of restarts by policy: at most one is owed to an agent, and the ones it had are counted for a while."""

from __future__ import annotations

import sqlite3

from hyperhive.store import agents, operations, restarts
from hyperhive.wire.states import OperationKind


def make(connection: sqlite3.Connection, name: str, at: float) -> int:
    """A restart that was owed and made at that time; its operation."""
    restarts.owe(connection, name, at)
    operation, _ = operations.queue(connection, name, OperationKind.START, "system", int(at))
    restarts.made(connection, name, operation.id, at)
    operations.begin(connection, operation.id, int(at))
    connection.execute("UPDATE operations SET state = 'succeeded' WHERE id = ?", (operation.id,))
    return operation.id


def test_what_is_owed_comes_with_the_soonest_first(connection: sqlite3.Connection) -> None:
    restarts.owe(connection, "bob", 7.5)
    restarts.owe(connection, "alice", 6.25)
    assert restarts.owed(connection) == [("alice", 6.25), ("bob", 7.5)]


def test_an_agent_is_owed_one_restart_at_most(connection: sqlite3.Connection) -> None:
    restarts.owe(connection, "bob", 5)
    restarts.owe(connection, "bob", 9)
    assert restarts.owed(connection) == [("bob", 9.0)]


def test_what_is_owed_is_a_column_of_the_agent(connection: sqlite3.Connection) -> None:
    agents.begin_start(connection, "bob")
    agents.is_running(connection, "bob")
    make(connection, "bob", 1)
    assert agents.one(connection, "bob").restart_at is None
    restarts.owe(connection, "bob", 9)
    (bob,) = agents.every(connection)
    assert bob.restart_at == 9


def test_what_was_made_is_owed_no_more_and_names_its_operation(connection: sqlite3.Connection) -> None:
    operation = make(connection, "bob", 5)
    assert restarts.owed(connection) == []
    assert restarts.made_by(connection, operation)
    assert not restarts.made_by(connection, operation + 1)


def test_only_those_since_a_moment_are_counted(connection: sqlite3.Connection) -> None:
    for at in (1, 5, 9):
        make(connection, "bob", at)
    make(connection, "alice", 9)
    assert restarts.count_since(connection, "bob", 5) == 2
    assert restarts.count_since(connection, "bob", 0) == 2


def test_what_is_forgotten_is_that_agents_alone(connection: sqlite3.Connection) -> None:
    make(connection, "bob", 1)
    for name in ("alice", "bob"):
        restarts.owe(connection, name, 5)
    restarts.forget(connection, "bob")
    assert restarts.owed(connection) == [("alice", 5.0)]
    assert restarts.count_since(connection, "bob", 0) == 0
