"""The table of agents: who should run, who is missed, and what a reboot changes."""

from __future__ import annotations

import sqlite3

import pytest

from hyperhive.errors import UnknownAgent
from hyperhive.store import agents


def run(connection: sqlite3.Connection, name: str) -> None:
    agents.begin_start(connection, name)
    agents.is_running(connection, name)


def missed(connection: sqlite3.Connection) -> list[str]:
    return [agent.name for agent in agents.should_run(connection)]


def test_nobody_is_found_by_a_name_that_nobody_has(connection: sqlite3.Connection) -> None:
    with pytest.raises(UnknownAgent, match="there is no agent 'bob' in this hive; 'list' names those there are"):
        agents.one(connection, "bob")
    assert agents.found(connection, "bob") is None
    assert agents.generation(connection, "bob") == 0


def test_the_manager_is_added_once_and_is_to_be_started(connection: sqlite3.Connection) -> None:
    agents.add_manager(connection)
    run(connection, "manager")
    agents.add_manager(connection)
    assert agents.names(connection) == ["manager"]
    assert agents.one(connection, "manager").wanted == agents.RUNNING


def test_starts_are_counted(connection: sqlite3.Connection) -> None:
    assert [agents.begin_start(connection, "bob") for _ in range(2)] == [1, 2]
    assert agents.generation(connection, "bob") == 2


def test_a_crash_is_known_once_and_only_of_the_last_start(connection: sqlite3.Connection) -> None:
    run(connection, "bob")
    assert missed(connection) == ["bob"]
    assert agents.crashed(connection, "bob", 2, "why") is False
    assert agents.crashed(connection, "bob", 1, "why") is True
    assert agents.crashed(connection, "bob", 1, "why") is False
    assert missed(connection) == []


def test_who_was_stopped_or_destroyed_is_not_missed(connection: sqlite3.Connection) -> None:
    run(connection, "alice")
    run(connection, "bob")
    agents.is_stopped(connection, "alice")
    agents.is_destroyed(connection, "bob")
    assert missed(connection) == []
    assert agents.names(connection) == ["alice"]


def test_after_a_reboot_who_ran_is_started_again_and_is_not_missed(connection: sqlite3.Connection) -> None:
    agents.resume_after_reboot(connection, "first boot")
    run(connection, "bob")
    agents.resume_after_reboot(connection, "first boot")
    assert missed(connection) == ["bob"]
    agents.resume_after_reboot(connection, "second boot")
    assert missed(connection) == []
    assert agents.one(connection, "bob").wanted == agents.RESUME


def test_after_a_reboot_who_had_crashed_stays_down(connection: sqlite3.Connection) -> None:
    agents.resume_after_reboot(connection, "first boot")
    run(connection, "bob")
    agents.crashed(connection, "bob", 1, "why")
    agents.resume_after_reboot(connection, "second boot")
    bob = agents.one(connection, "bob")
    assert (bob.wanted, bob.failed) == (agents.RUNNING, True)


def test_what_an_agent_says_of_itself_ends_with_it(connection: sqlite3.Connection) -> None:
    run(connection, "bob")
    agents.set_status_text(connection, "bob", "reading", 5)
    agents.set_status_text(connection, "bob", "writing", 6)
    bob = agents.one(connection, "bob")
    assert (bob.status_text, bob.status_set_at) == ("writing", 6)
    agents.is_destroyed(connection, "bob")
    run(connection, "bob")
    assert agents.one(connection, "bob").status_text is None
