"""Services over a real database in a temporary directory."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from twisted.internet.defer import maybeDeferred

from hyperhive.limits import MailLimits
from hyperhive.services import homes
from hyperhive.wire.states import OperationKind
from tests.bench import Bench
from tests.services import restarting


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


@pytest.fixture
def frugal(tmp_path: Path) -> Iterator[Bench]:
    """A hive with tiny inboxes, in which a message has one try."""
    made = Bench(tmp_path, MailLimits(max_inbox=1, max_attempts=1))
    made.add_agents("alice", "bob", "manager")
    made.turns.startService()
    yield made
    made.turns.stopService()
    made.close()


@pytest.fixture
def kept(tmp_path: Path) -> Iterator[Bench]:
    """A hive whose agents are started again, three times in ten minutes."""
    made = restarting.begun(Bench(tmp_path, policy=restarting.POLICY))
    yield made
    restarting.end(made)
