"""Which files are taken for the hive's database, and how they come to this version."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from hyperhive.errors import StartupError
from hyperhive.store import agents, restarts, schema
from hyperhive.store.schema import VERSION, open_database
from hyperhive.store.upgrades import UPGRADES


def tables(path: Path) -> list[str]:
    connection = sqlite3.connect(path)
    found = [name for (name,) in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY 1")]
    connection.close()
    return found


def version(path: Path) -> int:
    connection = sqlite3.connect(path)
    (found,) = connection.execute("PRAGMA user_version").fetchone()
    connection.close()
    return int(found)


def test_a_fresh_file_gets_every_table(tmp_path: Path) -> None:
    path = tmp_path / "broker.sqlite"
    open_database(path).close()
    assert {"agents", "messages", "operations", "approvals", "questions", "status_texts", "policy_restarts"} <= set(
        tables(path)
    )
    assert version(path) == VERSION


def test_what_is_committed_is_synced(connection: sqlite3.Connection) -> None:
    assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    assert connection.execute("PRAGMA synchronous").fetchone() == (2,)
    assert connection.execute("PRAGMA foreign_keys").fetchone() == (1,)


def test_a_file_is_opened_again_with_what_it_holds(tmp_path: Path) -> None:
    first = open_database(tmp_path / "broker.sqlite")
    first.execute("INSERT INTO agents (name, present, wanted) VALUES ('bob', 1, 'stopped')")
    first.close()
    again = open_database(tmp_path / "broker.sqlite")
    assert again.execute("SELECT name FROM agents").fetchall() == [("bob",)]
    again.close()


def test_an_empty_file_is_taken(tmp_path: Path) -> None:
    (tmp_path / "broker.sqlite").touch()
    open_database(tmp_path / "broker.sqlite").close()
    assert version(tmp_path / "broker.sqlite") == VERSION


def test_a_newer_database_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "broker.sqlite"
    newer = sqlite3.connect(path)
    newer.execute(f"PRAGMA user_version = {VERSION + 1}")
    newer.close()
    before = path.read_bytes()
    with pytest.raises(StartupError, match=f"has version {VERSION + 1} and this hyperhive knows versions up to"):
        open_database(path)
    assert path.read_bytes() == before


def test_another_programs_database_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "broker.sqlite"
    foreign = sqlite3.connect(path)
    foreign.execute("CREATE TABLE bookmarks (url TEXT)")
    foreign.close()
    with pytest.raises(StartupError, match=r"is not one of hyperhive's; name another --state-dir"):
        open_database(path)
    assert tables(path) == ["bookmarks"]


@pytest.mark.parametrize("content", [b"no database at all" * 100, b"SQLite format 3\0" + b"\xff" * 4000])
def test_a_file_that_is_no_database_is_refused_and_left_alone(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "broker.sqlite"
    path.write_bytes(content)
    with pytest.raises(StartupError, match="can't be used"):
        open_database(path)
    assert path.read_bytes() == content


def test_a_directory_in_its_place_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StartupError, match="can't be used"):
        open_database(tmp_path)


def test_a_missing_directory_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StartupError, match="can't be used"):
        open_database(tmp_path / "nowhere" / "broker.sqlite")


def test_a_place_without_a_write_ahead_log_is_refused() -> None:
    with pytest.raises(StartupError, match="no write-ahead log"):
        open_database(Path(":memory:"))


def test_an_upgrade_that_fails_leaves_the_old_version(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "broker.sqlite"
    open_database(path).close()
    monkeypatch.setattr(schema, "UPGRADES", (*UPGRADES, "CREATE TABLE more (x);\nCREATE TABLE agents (y);\n"))
    monkeypatch.setattr(schema, "VERSION", VERSION + 1)
    with pytest.raises(StartupError, match="already exists"):
        open_database(path)
    assert "more" not in tables(path)
    assert version(path) == VERSION


def test_an_older_database_is_upgraded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "broker.sqlite"
    open_database(path).close()
    monkeypatch.setattr(schema, "UPGRADES", (*UPGRADES, "CREATE TABLE more (x);\n"))
    monkeypatch.setattr(schema, "VERSION", VERSION + 1)
    open_database(path).close()
    assert "more" in tables(path)
    assert version(path) == VERSION + 1


def test_a_database_of_the_first_version_keeps_what_it_holds_and_owes_nobody_a_restart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "broker.sqlite"
    with monkeypatch.context() as first:
        first.setattr(schema, "UPGRADES", UPGRADES[:1])
        first.setattr(schema, "VERSION", 1)
        connection = open_database(path)
        connection.execute("INSERT INTO agents (name, present, wanted, failed) VALUES ('bob', 1, 'running', 1)")
        connection.close()
    assert version(path) == 1
    assert "policy_restarts" not in tables(path)
    connection = open_database(path)
    bob = agents.one(connection, "bob")
    assert (bob.wanted, bob.failed, bob.restart_at) == (agents.RUNNING, True, None)
    assert restarts.owed(connection) == []
    connection.close()
    assert version(path) == VERSION


def test_the_agents_of_a_database_of_the_first_version_are_local_ones(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "broker.sqlite"
    with monkeypatch.context() as first:
        first.setattr(schema, "UPGRADES", UPGRADES[:1])
        first.setattr(schema, "VERSION", 1)
        connection = open_database(path)
        connection.execute("INSERT INTO agents (name, present, wanted) VALUES ('bob', 1, 'running')")
        connection.close()
    connection = open_database(path)
    with pytest.raises(StartupError, match="of the kind 'local'"):
        agents.keep_to_backend(connection, "nspawn")
    connection.close()
