"""A commit of an agent's configuration asked for, approved and deployed, and what came of it."""

from __future__ import annotations

from hyperhive.wire.names import MANAGER, OPERATOR
from hyperhive.wire.records import Approval
from hyperhive.wire.states import OperationState
from tests.bench import Bench

FAST = "[environment]\nSPEED = 'fast'\n"


def ask(bench: Bench, name: str, text: str = FAST) -> int:
    commit = bench.repositories.commit(name, text)
    return bench.get(bench.approvals.request_commit(name, commit[:12], "quicker", MANAGER))


def approve(bench: Bench, id_: int, digest: str | None = None) -> int:
    return bench.get(bench.approvals.approve(id_, OPERATOR, digest))


def row(bench: Bench, id_: int) -> Approval:
    return next(approval for approval in bench.get(bench.approvals.every()) if approval.id == id_)


def state(bench: Bench, operation: int) -> OperationState:
    return bench.operation(operation).state


def environment(bench: Bench, name: str = "carol") -> dict[str, str]:
    return dict(bench.containers.plans[name].config.environment)


def heard(bench: Bench) -> list[object]:
    """What the manager heard since the agent was spawned."""
    return bench.events_of(MANAGER)[1:]
