"""A database in a temporary directory."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from hyperhive.store.schema import open_database


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    """A fresh database."""
    opened = open_database(tmp_path / "broker.sqlite")
    yield opened
    opened.close()
