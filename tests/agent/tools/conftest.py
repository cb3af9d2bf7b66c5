"""A real daemon with two agents that sleep, and the sockets of each."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.daemon.conftest import short_lived
from tests.daemon.harness import Hive


class Village(Hive):
    """A hive of which alice and bob are, and whose manager reads no mail."""

    @property
    def alices(self) -> Path:
        """Alice's socket."""
        return self.run / "agents/alice/mcp.sock"

    @property
    def managers(self) -> Path:
        """The manager's socket."""
        return self.run / "manager/mcp.sock"


@contextmanager
def settled() -> Iterator[Village]:
    """Both agents are there."""
    with short_lived() as bare:
        village = Village(bare.base)
        try:
            village.start()
            with village.host() as host:
                for name in ("alice", "bob"):
                    assert host.ask("spawn", name=name)["ok"]
            yield village
        finally:
            village.end()


@pytest.fixture
def hive() -> Iterator[Village]:
    with settled() as village:
        yield village


@pytest.fixture(scope="module")
def quiet() -> Iterator[Village]:
    """One for all tests of a file that change nothing in it."""
    with settled() as village:
        yield village
