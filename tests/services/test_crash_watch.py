"""A stop that nobody asked for is a crash, and is reported once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial

import pytest
from twisted.internet.defer import Deferred

from hyperhive.boundaries import Running
from hyperhive.errors import ContainerError
from hyperhive.services.crashes import UNKNOWN_CAUSE
from hyperhive.store import agents
from hyperhive.wire import events
from hyperhive.wire.names import MANAGER
from hyperhive.wire.states import OperationKind
from tests.bench import Bench
from tests.fakes import NOW


@pytest.fixture
def watched(bench: Bench) -> Iterator[Bench]:
    bench.crash_watch.startService()
    bench.settle()
    yield bench
    bench.get(bench.crash_watch.stopService())


def crashes(bench: Bench) -> list[tuple[str, str | None]]:
    return [
        (event.agent, event.note) for event in bench.events_of(MANAGER) if isinstance(event, events.ContainerCrash)
    ]  # fmt: skip


def test_a_crash_is_reported_at_the_hint(watched: Bench) -> None:
    watched.containers.crash("bob", "exited with status 3")
    watched.containers.hint()
    watched.settle()
    assert crashes(watched) == [("bob", "exited with status 3")]


def test_a_crash_is_reported_at_the_poll(watched: Bench) -> None:
    watched.containers.crash("bob")
    watched.pass_time(9)
    assert crashes(watched) == []
    watched.pass_time(1)
    assert crashes(watched) == [("bob", UNKNOWN_CAUSE)]


def test_a_crash_is_reported_once(watched: Bench) -> None:
    watched.containers.crash("bob")
    for _ in range(3):
        watched.containers.hint()
        watched.pass_time(10)
    assert len(crashes(watched)) == 1


def test_each_crash_is_reported(watched: Bench) -> None:
    for _ in range(2):
        watched.containers.crash("bob")
        watched.containers.hint()
        watched.operate("bob", OperationKind.START)
    assert len(crashes(watched)) == 2


def test_a_crash_that_happened_while_no_daemon_watched_is_reported(bench: Bench) -> None:
    bench.containers.crash("bob", "killed by signal 9")
    bench.crash_watch.startService()
    bench.settle()
    assert crashes(bench) == [("bob", "killed by signal 9")]
    bench.get(bench.crash_watch.stopService())


def test_an_agent_of_another_start_than_the_last_is_missed(watched: Bench) -> None:
    watched.containers.runs["bob"] = Running(generation=7, since=NOW, pid=1)
    watched.containers.hint()
    watched.settle()
    assert [name for name, _ in crashes(watched)] == ["bob"]


@pytest.mark.parametrize("kind", [OperationKind.STOP, OperationKind.RESTART, OperationKind.DESTROY])
def test_what_an_operation_stops_is_no_crash(watched: Bench, kind: OperationKind) -> None:
    held = watched.containers.hold("stop")
    asked = watched.lifecycle.request("bob", kind, "operator")
    watched.get(asked)
    del watched.containers.runs["bob"]
    watched.containers.hint()
    watched.pass_time(30)
    held.callback(None)
    watched.containers.held.clear()
    watched.pass_time(30)
    assert crashes(watched) == []


def test_a_hint_during_a_look_makes_it_look_again(watched: Bench) -> None:
    held = watched.containers.hold("running")
    watched.containers.hint()
    watched.settle()
    looks = len(watched.containers.done("running"))
    watched.containers.crash("bob")
    for _ in range(5):
        watched.containers.hint()
    watched.settle()
    assert len(watched.containers.done("running")) == looks
    watched.containers.held.clear()
    held.callback(None)
    watched.settle()
    assert len(watched.containers.done("running")) == looks + 1
    assert [name for name, _ in crashes(watched)] == ["bob"]


def test_an_agent_that_starts_during_a_look_is_not_missed(watched: Bench) -> None:
    held = watched.containers.hold("running")
    watched.containers.hint()
    watched.settle()
    watched.containers.held.clear()
    watched.operate("bob", OperationKind.RESTART)
    held.callback(None)
    watched.settle()
    assert crashes(watched) == []


def test_an_agent_that_was_started_since_the_listing_is_not_missed(
    watched: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    listed: Deferred[None] = Deferred()

    async def running() -> Mapping[str, Running]:
        monkeypatch.undo()
        listing = dict(watched.containers.runs)
        await listed
        return listing

    monkeypatch.setattr(watched.containers, "running", running)
    watched.containers.hint()
    watched.settle()
    watched.operate("bob", OperationKind.RESTART)
    listed.callback(None)
    watched.settle()
    assert crashes(watched) == []


def test_the_mail_of_who_crashed_is_queued_again_and_an_attempt_is_spent(watched: Bench) -> None:
    watched.send("alice", "bob", "one")
    watched.leases.hand("bob", watched.get(watched.receive("bob")), lambda: None)
    watched.containers.crash("bob")
    watched.containers.hint()
    watched.settle()
    assert watched.states()[0] == (1, 0, 1, 1)
    assert watched.leases.alive("bob") == 0


def test_the_managers_own_crash_waits_in_its_inbox(watched: Bench) -> None:
    watched.containers.crash(MANAGER)
    watched.containers.hint()
    watched.settle()
    assert [name for name, _ in crashes(watched)] == [MANAGER]


def test_a_waiting_manager_hears_at_once(watched: Bench) -> None:
    waiting = watched.receive(MANAGER, 1, 30)
    watched.containers.crash("bob")
    watched.containers.hint()
    assert len(watched.get(waiting).letters) == 1


def test_a_backend_that_can_not_be_asked_accuses_nobody(watched: Bench) -> None:
    watched.containers.faults["running"] = ContainerError("the bus is away")
    watched.containers.crash("bob")
    watched.containers.hint()
    watched.pass_time(10)
    assert crashes(watched) == []
    del watched.containers.faults["running"]
    watched.pass_time(10)
    assert [name for name, _ in crashes(watched)] == ["bob"]


def test_a_crash_that_can_not_be_reported_hides_no_other(watched: Bench, logged: list[object]) -> None:
    watched.containers.faults["cause alice"] = ZeroDivisionError("broken")
    watched.containers.crash("alice")
    watched.containers.crash("bob")
    watched.containers.hint()
    watched.settle()
    assert [name for name, _ in crashes(watched)] == ["bob"]
    assert len(logged) == 1
    logged.clear()
    del watched.containers.faults["cause alice"]
    watched.pass_time(10)
    assert [name for name, _ in crashes(watched)] == ["bob", "alice"]


def test_a_crash_is_seen_when_an_operation_has_ended(watched: Bench) -> None:
    watched.containers.crash("alice")
    watched.operate("bob", OperationKind.RESTART)
    assert [name for name, _ in crashes(watched)] == ["alice"]


def test_a_crashed_agent_is_shown_as_failed_until_it_is_started(watched: Bench) -> None:
    watched.containers.crash("bob")
    watched.containers.hint()
    watched.settle()
    by_name = {status.name: status for status in watched.get(watched.roster.statuses())}
    assert (by_name["bob"].running, by_name["bob"].failed) == (False, True)
    assert (by_name["alice"].running, by_name["alice"].failed) == (True, False)
    watched.operate("bob", OperationKind.START)
    assert watched.do(partial(agents.one, name="bob")).failed is False


def test_stopping_waits_for_the_look(bench: Bench) -> None:
    bench.crash_watch.startService()
    bench.settle()
    held = bench.containers.hold("running")
    bench.containers.hint()
    bench.settle()
    stopped: list[object] = []
    Deferred.fromCoroutine(bench.crash_watch.stopService()).addCallback(stopped.append)
    bench.settle()
    assert stopped == []
    held.callback(None)
    bench.settle()
    assert stopped == [None]
    bench.containers.hint()
    bench.pass_time(100)
