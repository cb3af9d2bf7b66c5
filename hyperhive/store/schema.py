"""Opening the database: one of ours, made or upgraded to this version, and durable."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Final

from hyperhive.errors import StartupError
from hyperhive.store.upgrades import UPGRADES

VERSION: Final = len(UPGRADES)


def open_database(path: Path) -> sqlite3.Connection:
    """A connection to the database at `path`, made or upgraded to this version, durable and for any one thread.

    Raises StartupError for a file that is no database of ours, is newer, or can't be read or written.
    """
    try:
        connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False, cached_statements=256)
        try:
            _prepare(connection, path)
        except BaseException:
            connection.close()
            raise
    except sqlite3.Error as error:
        message = f"the database {path} can't be used ({error}); restore it from a backup, or name another --state-dir"
        raise StartupError(message) from error
    return connection


def _prepare(connection: sqlite3.Connection, path: Path) -> None:
    connection.execute("PRAGMA busy_timeout = 5000")
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version > VERSION:
        message = (
            f"the database {path} has version {version} and this hyperhive knows versions up to {VERSION}; "
            "start the newer hyperhive that wrote it"
        )
        raise StartupError(message)
    (mode,) = connection.execute("PRAGMA journal_mode = WAL").fetchone()
    if mode != "wal":
        message = f"the database {path} can have no write-ahead log there; name a --state-dir on a local disk"
        raise StartupError(message)
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA foreign_keys = ON")
    _upgrade(connection, path)


def _upgrade(connection: sqlite3.Connection, path: Path) -> None:
    connection.execute("BEGIN EXCLUSIVE")
    try:
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        _must_be_ours(connection, path, version)
        for upgrade in UPGRADES[version:]:
            for statement in _statements(upgrade):
                connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {VERSION}")
    except BaseException:
        connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")


def _must_be_ours(connection: sqlite3.Connection, path: Path, version: int) -> None:
    if version == 0 and connection.execute("SELECT 1 FROM sqlite_schema LIMIT 1").fetchone():
        message = f"the database {path} is not one of hyperhive's; name another --state-dir"
        raise StartupError(message)


def _statements(script: str) -> list[str]:
    """The statements of a script; `executescript` would commit the transaction that they belong to."""
    found, pending = [], ""
    for line in script.splitlines(keepends=True):
        pending += line
        if sqlite3.complete_statement(pending):
            found.append(pending)
            pending = ""
    return found
