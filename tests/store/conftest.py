"""A database in a temporary directory."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from hyperhive.store import agents
from hyperhive.store.schema import open_database


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    """A fresh database."""
    opened = open_database(tmp_path / "broker.sqlite")
    yield opened
    opened.close()


@pytest.fixture
def manager(connection: sqlite3.Connection) -> None:
    """The manager is there."""
    agents.add_manager(connection)


@pytest.fixture
def three_agents(connection: sqlite3.Connection) -> None:
    """Alice, bob and carol run."""
    for name in ("alice", "bob", "carol"):
        agents.begin_start(connection, name)
        agents.is_running(connection, name)
