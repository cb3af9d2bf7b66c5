"""Operations that are refused at the door, for what the agent is or will be."""

from __future__ import annotations

import pytest

from hyperhive.errors import BadName, Refused, UnknownAgent
from hyperhive.wire.states import OperationKind
from tests.bench import Bench
from tests.services.operating import DESTROY, REBUILD, RESTART, SPAWN, START, STOP, SUCCEEDED, request, state


@pytest.mark.parametrize("name", ["", "Carol", "carol.x", "9carol", "-x", "carol/../x", "manager", "operator", "system",
                                  "reminder", "abcdefghij", "cärol"])  # fmt: skip
def test_a_bad_name_is_refused_at_the_door(bench: Bench, name: str) -> None:
    with pytest.raises(BadName):
        request(bench, name, SPAWN)
    assert bench.get(bench.lifecycle.listed(ended=True)) == ()


def test_an_agent_that_exists_is_not_spawned(bench: Bench) -> None:
    with pytest.raises(Refused, match="there is an agent 'bob' already"):
        request(bench, "bob", SPAWN)


@pytest.mark.parametrize("kind", [START, STOP, RESTART, REBUILD, DESTROY])
def test_nobody_of_that_name_is_refused(bench: Bench, kind: OperationKind) -> None:
    with pytest.raises(UnknownAgent, match="there is no agent 'carol'"):
        request(bench, "carol", kind)


def test_the_manager_is_not_destroyed(bench: Bench) -> None:
    with pytest.raises(Refused, match="the manager can't be destroyed"):
        request(bench, "manager", DESTROY)


def test_what_will_be_decides_what_can_be_asked(bench: Bench) -> None:
    held = bench.containers.hold("stop")
    request(bench, "bob", DESTROY)
    with pytest.raises(UnknownAgent):
        request(bench, "bob", START)
    spawn = request(bench, "bob", SPAWN)
    start = request(bench, "bob", START)
    held.callback(None)
    bench.settle()
    assert [state(bench, id_) for id_ in (spawn, start)] == [SUCCEEDED] * 2
    assert "bob" in bench.containers.runs
