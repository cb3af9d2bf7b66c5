"""Services over a real database in a temporary directory."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from twisted.internet.defer import maybeDeferred

from hyperhive.services import homes
from hyperhive.wire.states import OperationKind
from tests.fakes import Bench


@pytest.fixture(autouse=True)
def no_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    """Purge homes in the test's own thread."""
    monkeypatch.setattr(homes, "deferToThread", maybeDeferred)


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    """A hive's services with alice and bob, who run, and the manager."""
    made = Bench(tmp_path)
    made.add_agents("alice", "bob", "manager")
    for service in (made.broker, made.leases, made.turns, made.orders, made.lifecycle, made.approvals):
        service.startService()
    yield made
    made.orders.stopService()
    made.turns.stopService()
    made.leases.stopService()
    made.close()


@pytest.fixture
def carol(bench: Bench) -> str:
    """An agent that runs, by the configuration that it was spawned with."""
    bench.operate("carol", OperationKind.SPAWN)
    bench.repositories.calls.clear()
    return "carol"
