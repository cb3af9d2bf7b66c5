"""Mail that an agent has in hand: until it says what came of it, stops, crashes, or falls silent."""

from __future__ import annotations

from pathlib import Path

import pytest
from twisted.python.failure import Failure

from hyperhive.limits import MailLimits
from hyperhive.services.inboxes import Inboxes
from hyperhive.services.leases import Handed
from hyperhive.store import leases
from hyperhive.store.message_states import DEAD, DONE, LEASED, QUEUED
from hyperhive.wire import events
from tests.bench import Bench


def hand(bench: Bench, *bodies: str, read: bool = True) -> Handed:
    """Send messages to bob and put them into his hands."""
    for body in bodies:
        bench.send("alice", "bob", body)
    take = bench.get(bench.receive("bob", 32))
    handed = bench.leases.hand("bob", take, lambda: None)
    handed.read = read
    return handed


def states(bench: Bench) -> list[int]:
    return [state for _, state, _, _ in bench.states()]


def test_a_bare_acknowledgement_settles_what_was_read(bench: Bench) -> None:
    hand(bench, "one", "two")
    hand(bench, "three", read=False)
    assert bench.get(bench.leases.acknowledge("bob", None)) == 2
    assert states(bench) == [DONE, DONE, LEASED]
    assert bench.leases.alive("bob") == 1


def test_a_bare_acknowledgement_looks_first_what_was_read(bench: Bench) -> None:
    handed = hand(bench, "one", read=False)
    handed.look = lambda: setattr(handed, "read", True)
    assert bench.get(bench.leases.acknowledge("bob", None)) == 1


def test_an_acknowledgement_by_name_settles_those(bench: Bench) -> None:
    hand(bench, "one", "two", read=False)
    assert bench.get(bench.leases.acknowledge("bob", [2, 99])) == 1
    assert states(bench) == [LEASED, DONE]
    assert bench.get(bench.leases.acknowledge("bob", [2])) == 0
    assert bench.get(bench.leases.acknowledge("alice", [1])) == 0


def test_nothing_in_hand_is_nothing_to_settle(bench: Bench) -> None:
    assert bench.get(bench.leases.acknowledge("bob", None)) == 0
    assert bench.get(bench.leases.requeue("bob", None, spent=True)) == 0


def test_what_is_put_back_is_handed_out_again_marked(bench: Bench) -> None:
    hand(bench, "one", "two")
    waiting = bench.receive("bob", 32, 30)
    bench.settle()
    assert bench.get(bench.leases.requeue("bob", [1], spent=False)) == 1
    assert [(letter.body, letter.redelivered) for letter in bench.get(waiting).letters] == [("one", True)]
    assert bench.states()[0] == (1, LEASED, 1, 0)


def test_putting_back_spends_an_attempt_and_the_last_one_bounces(tmp_path: Path) -> None:
    bench = Bench(tmp_path, MailLimits(max_attempts=2))
    bench.add_agents("alice", "bob")
    hand(bench, "one")
    assert bench.get(bench.leases.requeue("bob", None, spent=True)) == 1
    assert bench.states() == [(1, QUEUED, 1, 1)]
    waiting = bench.receive("alice", 1, 30)
    hand(bench)
    bench.get(bench.leases.requeue("bob", None, spent=True))
    assert bench.states()[0] == (1, DEAD, 1, 2)
    assert bench.events_of("alice") == [events.Bounced(id=1, to="bob", reason="it was put back, 2 times")]
    assert len(bench.get(waiting).letters) == 1
    bench.close()


@pytest.mark.parametrize(("crashed", "spent"), [(True, 1), (False, 0)])
def test_a_crash_spends_an_attempt_and_a_stop_does_not(bench: Bench, *, crashed: bool, spent: int) -> None:
    hand(bench, "one")
    assert bench.get(bench.leases.stopped("bob", crashed=crashed)) == 1
    assert bench.states() == [(1, QUEUED, 1, spent)]
    assert bench.leases.alive("bob") == 0


def test_a_silent_agent_loses_its_leases_and_an_attempt(bench: Bench) -> None:
    hand(bench, "one")
    for _ in range(119):
        bench.pass_time(30)
    assert states(bench) == [LEASED]
    bench.pass_time(60)
    assert bench.states() == [(1, QUEUED, 1, 1)]


def test_what_could_not_be_settled_is_tried_again_in_time(bench: Bench, logged: list[object]) -> None:
    bench.send("alice", "bob", "one")
    take = bench.get(bench.receive("bob", 1))
    bench.database._connection.execute("ALTER TABLE messages RENAME TO away")
    bench.broker.settling.read("bob", take.held)
    bench.write_leisurely()
    logged.clear()
    bench.database._connection.execute("ALTER TABLE away RENAME TO messages")
    bench.pass_time(30)
    bench.write_leisurely()
    assert states(bench) == [DONE]


def test_a_sweep_that_breaks_is_logged(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, logged: list[Failure]
) -> None:  # fmt: skip
    def broken(_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(Inboxes, "try_again", broken)
    bench.pass_time(30)
    assert [failure.type for failure in logged] == [ZeroDivisionError]
    logged.clear()


def test_an_agent_that_renews_keeps_its_leases(bench: Bench) -> None:
    hand(bench, "one")
    for _ in range(5):
        for _ in range(100):
            bench.pass_time(30)
        assert bench.leases.alive("bob") == 1
    assert states(bench) == [LEASED]


def test_an_answer_that_nobody_read_goes_back_unspent(bench: Bench) -> None:
    handed = hand(bench, "one", read=False)
    bench.leases.take_back(handed, shown=True)
    bench.settle()
    assert bench.states() == [(1, QUEUED, 1, 0)]
    bench.leases.take_back(handed, shown=True)  # a second time changes nothing
    assert bench.leases.alive("bob") == 0


def test_what_was_acknowledged_by_name_is_not_taken_back(bench: Bench) -> None:
    handed = hand(bench, "one", "two", read=False)
    bench.get(bench.leases.acknowledge("bob", [1]))
    bench.leases.take_back(handed, shown=True)
    bench.settle()
    assert states(bench) == [DONE, QUEUED]


def test_after_a_restart_leases_are_given_up_and_can_still_be_acknowledged(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    bench.add_agents("alice", "bob")
    hand(bench, "one", "two")
    bench.close()
    again = Bench(tmp_path)
    assert again.do(leases.requeue_all) == 2
    assert again.states() == [(1, QUEUED, 1, 0), (2, QUEUED, 1, 0)]
    assert again.get(again.leases.acknowledge("bob", None)) == 0
    assert again.get(again.leases.acknowledge("bob", [2])) == 1
    assert [letter.body for letter in again.taken("bob")] == ["one"]
    again.close()
