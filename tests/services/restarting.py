"""A hive whose agents are started again by policy: crashes, what became of them, and the next daemon."""

from __future__ import annotations

from typing import Any

from twisted.internet.task import Clock

from hyperhive.limits import ON_CRASH, RestartPolicy
from hyperhive.wire.names import MANAGER
from hyperhive.wire.records import AgentStatus, Operation
from hyperhive.wire.states import OperationKind
from tests.bench import Bench

POLICY = RestartPolicy(policy=ON_CRASH, attempts=3)
WHY = "exited with status 3"
GIVEN_UP = f"{WHY}; given up after 3 restarts in 10 minutes"


def begun(bench: Bench) -> Bench:
    """With alice, bob and the manager, who run, and all services."""
    bench.add_agents("alice", "bob", MANAGER)
    start(bench)
    return bench


def start(bench: Bench) -> None:
    """The services in the hive's order."""
    for service in (bench.broker, bench.leases, bench.approvals, bench.lifecycle):
        service.startService()
    bench.get(bench.lifecycle.recover())
    bench.crash_watch.startService()
    bench.restarts.startService()
    bench.settle()


def end(bench: Bench) -> None:
    bench.get(bench.crash_watch.stopService())
    bench.get(bench.restarts.stopService())
    bench.leases.stopService()
    bench.close()


def next_daemon(bench: Bench, seconds: float = 0, policy: RestartPolicy = POLICY) -> Bench:
    """Another daemon on what is on disk, so much later. For the one before no time passes any more: it is dead."""
    clock = Clock()
    clock.rightNow = bench.clock.rightNow + seconds
    after = Bench(bench.path, clock=clock, containers=bench.containers, repositories=bench.repositories, policy=policy)
    after.get(after.lifecycle.prepare("the same boot", after.containers.kind))
    start(after)
    return after


def crash(bench: Bench, name: str = "bob", why: str = WHY) -> None:
    bench.containers.crash(name, why)
    bench.containers.hint()
    bench.settle()


def status(bench: Bench, name: str = "bob") -> AgentStatus:
    (row,) = [row for row in bench.get(bench.roster.statuses()) if row.name == name]
    return row


def starts(bench: Bench, name: str = "bob") -> list[Operation]:
    """The starts of that agent that were ever asked for, the first first."""
    rows = bench.get(bench.lifecycle.listed(ended=True))
    return [row for row in reversed(rows) if (row.agent, row.kind) == (name, OperationKind.START)]


def told(bench: Bench) -> list[Any]:
    return bench.events_of(MANAGER)
