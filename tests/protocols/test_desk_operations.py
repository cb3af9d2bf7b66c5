"""Operations that the operator and the manager ask for, in whose name they are and what is told of them."""

from __future__ import annotations

from typing import Any

import pytest
from twisted.internet.defer import Deferred

from hyperhive.errors import BadName, ContainerError, OperationFailed, Refused
from hyperhive.wire import host_requests, manager_requests
from hyperhive.wire.names import MANAGER, OPERATOR
from hyperhive.wire.responses import HostResponse, Ok
from hyperhive.wire.states import OperationKind, OperationState
from tests.bench import Bench
from tests.protocols.asking import Ask, last_operation


@pytest.mark.parametrize(
    ("request_made", "kind"),
    [
        (host_requests.Stop(name="bob"), OperationKind.STOP),
        (manager_requests.Kill("bob"), OperationKind.STOP),
        (host_requests.Start(name="bob"), OperationKind.START),
        (host_requests.Restart(name="bob"), OperationKind.RESTART),
        (host_requests.Rebuild("bob"), OperationKind.REBUILD),
        (host_requests.Destroy("bob"), OperationKind.DESTROY),
    ],
)
def test_the_operators_verbs_are_operations(
    bench: Bench, operator: Ask, request_made: Any, kind: OperationKind
) -> None:  # fmt: skip
    assert operator(request_made) == HostResponse(ok=True, operation=1)
    assert last_operation(bench) == ("bob", kind, OPERATOR, OperationState.SUCCEEDED)


@pytest.mark.parametrize(
    ("request_made", "kind"),
    [
        (manager_requests.Kill("bob"), OperationKind.STOP),
        (manager_requests.Start("bob"), OperationKind.START),
        (manager_requests.Restart("bob"), OperationKind.RESTART),
        (manager_requests.Update("bob"), OperationKind.REBUILD),
    ],
)
def test_the_managers_verbs_are_operations(
    bench: Bench, manager: Ask, request_made: Any, kind: OperationKind
) -> None:  # fmt: skip
    assert manager(request_made) == Ok()
    assert last_operation(bench) == ("bob", kind, MANAGER, OperationState.SUCCEEDED)


def test_a_spawned_agent_runs(bench: Bench, operator: Ask) -> None:
    assert operator(host_requests.Spawn("carol")).ok
    assert "carol" in bench.containers.runs
    with pytest.raises(BadName):
        operator(host_requests.Spawn("Carol"))


@pytest.mark.parametrize(("graceful", "how"), [(None, "graceful"), (True, "graceful"), (False, "at once")])
def test_the_operator_stops_without_grace_where_he_says_so(
    bench: Bench, operator: Ask, *, graceful: bool | None, how: str
) -> None:  # fmt: skip
    operator(host_requests.Stop(name="bob", graceful=graceful))
    assert bench.containers.done("stop") == [("stop", "bob", how)]


def test_a_purge_takes_the_home_too(bench: Bench, operator: Ask) -> None:
    operator(host_requests.Spawn("carol"))
    operator(host_requests.Destroy("carol"))
    assert bench.layout.home("carol").exists()
    operator(host_requests.Destroy("carol", purge=True))
    assert not bench.layout.home("carol").exists()


def test_who_does_not_wait_is_told_the_operation(bench: Bench, operator: Ask, manager: Ask) -> None:
    held = bench.containers.hold("stop")
    assert operator(host_requests.Stop(name="bob", wait=False)) == HostResponse(ok=True, operation=1)
    assert manager(manager_requests.Kill("alice", wait=False)) == Ok(operation=2)
    held.callback(None)
    bench.settle()


def test_an_operation_that_fails_is_told_in_words(bench: Bench, operator: Ask, manager: Ask) -> None:
    bench.containers.faults["stop"] = ContainerError("it does not die")
    sentence = "stop of 'bob' failed: it does not die (operation 1)"
    assert operator(host_requests.Stop(name="bob")) == HostResponse(ok=False, error=sentence, operation=1)
    with pytest.raises(OperationFailed, match="it does not die"):
        manager(manager_requests.Kill("bob"))


def test_the_manager_does_nothing_to_itself(bench: Bench, manager: Ask) -> None:
    with pytest.raises(Refused, match="the manager can't restart itself; ask the operator to"):
        manager(manager_requests.Restart(MANAGER))
    assert bench.get(bench.lifecycle.listed(ended=True)) == ()


def test_operations_are_listed_while_they_run_and_afterwards_if_asked(bench: Bench, operator: Ask) -> None:
    held: Deferred[None] = bench.containers.hold("stop")
    operator(host_requests.Stop(name="bob", wait=False))
    assert [row.id for row in operator(host_requests.Operations()).operations] == [1]
    held.callback(None)
    bench.settle()
    assert operator(host_requests.Operations()).operations == ()
    assert [row.id for row in operator(host_requests.Operations(all=True)).operations] == [1]
