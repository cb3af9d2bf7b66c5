"""The roster: what is kept of those that are gone, and what those that are there take of the host."""

from __future__ import annotations

from hyperhive.boundaries import Consumption
from hyperhive.errors import ContainerError
from hyperhive.services.roster import CONSUMPTION_SECONDS, Kept
from hyperhive.wire.states import OperationKind
from tests.bench import Bench
from tests.fakes import NOW

TAKES = Consumption(memory=1024, seconds=2.5)


def test_what_is_kept_of_a_destroyed_agent_is_shown_until_it_is_purged(bench: Bench) -> None:
    bench.operate("carol", OperationKind.SPAWN)
    assert bench.get(bench.roster.kept()) == ()
    bench.pass_time(60)
    bench.operate("carol", OperationKind.DESTROY)
    assert bench.get(bench.roster.kept()) == (Kept(name="carol", destroyed_at=NOW + 60, operation=None),)
    held = bench.containers.hold("remove carol")
    purge = bench.get(bench.lifecycle.request("carol", OperationKind.DESTROY, "operator", flag=True))
    (kept,) = bench.get(bench.roster.kept())
    assert kept.operation == purge
    held.callback(None)
    bench.settle()
    assert bench.get(bench.roster.kept()) == ()


def test_a_revived_agent_is_kept_no_longer(bench: Bench) -> None:
    for kind in (OperationKind.SPAWN, OperationKind.DESTROY, OperationKind.SPAWN):
        bench.operate("carol", kind)
    assert bench.get(bench.roster.kept()) == ()


def test_who_was_prepared_and_never_spawned_is_kept_too(bench: Bench) -> None:
    bench.get(bench.configurations.make("dave"))
    assert bench.get(bench.roster.kept()) == (Kept(name="dave", destroyed_at=None, operation=None),)


def test_the_host_is_looked_at_every_few_seconds_for_what_agents_take(bench: Bench) -> None:
    assert bench.get(bench.roster.consumption()) == {"alice": TAKES, "bob": TAKES, "manager": TAKES}
    bench.containers.crash("bob")
    assert "bob" in bench.get(bench.roster.consumption())
    bench.pass_time(CONSUMPTION_SECONDS)
    assert "bob" not in bench.get(bench.roster.consumption())
    assert len(bench.containers.done("consumption")) == 2


def test_nobody_takes_anything_that_is_known_while_the_backend_can_not_tell(bench: Bench) -> None:
    bench.containers.faults["consumption"] = ContainerError("the bus is gone")
    assert bench.get(bench.roster.consumption()) == {}
