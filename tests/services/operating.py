"""Operations on a bench's agents: how one is asked for, how it went, and what the manager heard of it."""

from __future__ import annotations

from functools import partial

from hyperhive.store import agents
from hyperhive.wire.states import OperationKind, OperationState
from tests.bench import Bench

SPAWN, START, STOP = OperationKind.SPAWN, OperationKind.START, OperationKind.STOP
RESTART, REBUILD, DESTROY = OperationKind.RESTART, OperationKind.REBUILD, OperationKind.DESTROY
SUCCEEDED, FAILED = OperationState.SUCCEEDED, OperationState.FAILED
RUNNING, QUEUED = OperationState.RUNNING, OperationState.QUEUED


def request(bench: Bench, name: str, kind: OperationKind, *, flag: bool = False) -> int:
    return bench.get(bench.lifecycle.request(name, kind, "operator", flag=flag))


def state(bench: Bench, id_: int) -> OperationState:
    return bench.operation(id_).state


def agent(bench: Bench, name: str) -> agents.Agent:
    found = bench.do(partial(agents.found, name=name))
    assert found is not None
    return found


def manager_heard(bench: Bench) -> list[object]:
    return bench.events_of("manager")
