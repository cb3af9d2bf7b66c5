"""Configurations and their agents: which comes first, which goes with the other, and what is rolled back to."""

from __future__ import annotations

import pytest

from hyperhive.errors import OperationFailed, Refused, UnknownAgent
from hyperhive.store import configs
from hyperhive.wire import events
from hyperhive.wire.names import MANAGER, OPERATOR
from hyperhive.wire.states import ApprovalStatus, OperationKind, OperationState
from tests.bench import Bench
from tests.services.deploying import approve, ask, environment, row, state


def test_a_rollback_is_a_deploy_by_the_operators_own_word(bench: Bench, carol: str) -> None:
    first = bench.repositories.mains[carol]
    with pytest.raises(Refused, match=r"nothing else than .* was ever deployed"):
        bench.get(bench.approvals.roll_back(carol, None, OPERATOR))
    approve(bench, ask(bench, carol))
    bench.pulse.voice(carol)()
    bench.settle()
    operation = bench.get(bench.approvals.roll_back(carol, None, OPERATOR))
    bench.pulse.voice(carol)()
    bench.settle()
    assert state(bench, operation) is OperationState.SUCCEEDED
    assert bench.repositories.mains[carol] == first
    back = row(bench, 2)
    assert (back.sha, back.status, back.decided_by) == (first, ApprovalStatus.APPROVED, OPERATOR)
    assert bench.repositories.tags_of(carol)[-4:] == ["proposal/2", "approved/2", "building/2", "deployed/2"]
    operation = bench.get(bench.approvals.roll_back(carol, "deployed/1", OPERATOR))
    assert environment(bench) == {"SPEED": "fast"}


def test_a_destroyed_agents_commit_can_be_deployed_and_is_what_it_comes_back_with(bench: Bench, carol: str) -> None:
    bench.operate(carol, OperationKind.DESTROY)
    approve(bench, ask(bench, carol))
    bench.operate(carol, OperationKind.SPAWN)
    assert environment(bench) == {"SPEED": "fast"}


def test_repositories_can_be_had_before_their_agent(bench: Bench) -> None:
    id_ = bench.get(bench.approvals.request_init_config("dora", "to be", MANAGER))
    assert bench.get(bench.approvals.pending()) == ((), 1)
    approve(bench, id_)
    assert bench.events_of(MANAGER)[0] == events.ConfigReady("dora")
    assert "dora" not in bench.get(bench.roster.names())
    with pytest.raises(Refused, match="there is a configuration of 'dora' already"):
        bench.get(bench.approvals.request_init_config("dora", None, MANAGER))
    approve(bench, ask(bench, "dora"))
    approve(bench, bench.get(bench.approvals.request_spawn("dora", None, MANAGER)))
    assert environment(bench, "dora") == {"SPEED": "fast"}


def test_a_purge_takes_the_configuration_away_and_a_new_agent_begins_with_a_new_one(bench: Bench, carol: str) -> None:
    bench.operate(carol, OperationKind.DESTROY, flag=True)
    with pytest.raises(UnknownAgent, match="there is no agent 'carol'"):
        bench.get(bench.configurations.history(carol))
    assert not bench.layout.deployed(carol).exists()


def test_an_agent_from_before_configurations_gets_one_by_a_rebuild(bench: Bench, carol: str) -> None:
    bench.get(bench.broker.database.perform(lambda connection: configs.forget(connection, carol)))
    with pytest.raises(Refused, match="there is no configuration of 'carol'; 'rebuild' makes one"):
        bench.get(bench.configurations.history(carol))
    bench.operate(carol, OperationKind.REBUILD)
    assert bench.get(bench.configurations.history(carol)) is not None


def test_a_second_grant_of_the_same_repositories_is_refused(bench: Bench) -> None:
    first, second = (bench.get(bench.approvals.request_init_config("dora", None, MANAGER)) for _ in range(2))
    approve(bench, first)
    with pytest.raises(OperationFailed, match="there is a configuration of 'dora' already"):
        approve(bench, second)
    assert [event for event in bench.events_of(MANAGER) if isinstance(event, events.ConfigReady)] == [
        events.ConfigReady("dora")
    ]


def test_a_configuration_without_its_agent_can_be_purged(bench: Bench) -> None:
    approve(bench, bench.get(bench.approvals.request_init_config("dora", None, MANAGER)))
    assert bench.operate("dora", OperationKind.DESTROY, flag=True).state is OperationState.SUCCEEDED
    approve(bench, bench.get(bench.approvals.request_init_config("dora", None, MANAGER)))


def test_a_rollback_skips_what_has_failed_whatever_else_was_said_of_it(bench: Bench, carol: str) -> None:
    first = bench.repositories.mains[carol]
    for hue in ("red", "green"):
        approve(bench, ask(bench, carol, f"[environment]\nHUE = '{hue}'\n"))
        bench.pulse.voice(carol)()
        bench.settle()
    bench.repositories.tags[carol, "failed/1"] = bench.repositories.tags[carol, "deployed/1"]
    bench.get(bench.approvals.roll_back(carol, None, OPERATOR))
    assert bench.containers.plans[carol].files == bench.layout.deployed(carol) / first
