"""Requests of a desk, and what its answer comes to."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hyperhive.wire.responses import HostResponse
from hyperhive.wire.states import OperationKind, OperationState
from tests.bench import Bench

Ask = Callable[[Any], Any]


def come_to(bench: Bench, answer: Any) -> Any:
    if isinstance(answer, HostResponse):
        return answer
    return bench.get(answer)


def last_operation(bench: Bench) -> tuple[str, OperationKind, str, OperationState]:
    row = bench.get(bench.lifecycle.listed(ended=True))[0]
    return row.agent, row.kind, row.requested_by, row.state
