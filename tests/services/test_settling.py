"""What was read is settled with the next commit, by the take that held it."""

from __future__ import annotations

from twisted.python.failure import Failure

from hyperhive.errors import DatabaseTrouble
from hyperhive.store.message_states import DONE, LEASED, QUEUED
from tests.bench import Bench


def test_what_was_read_is_done_soon(bench: Bench) -> None:
    bench.send("alice", "bob", "one")
    take = bench.get(bench.receive("bob", 1))
    bench.broker.settling.read("bob", take.held)
    bench.write_leisurely()
    assert bench.states() == [(1, DONE, 0, 0)]


def test_what_was_read_goes_along_with_the_next_change(bench: Bench) -> None:
    bench.send("alice", "bob", "one")
    bench.send("alice", "bob", "two")
    for _ in range(2):
        bench.broker.settling.read("bob", bench.get(bench.receive("bob", 1)).held)
    bench.send("alice", "bob", "three")
    assert bench.states() == [(1, DONE, 0, 0), (2, DONE, 0, 0), (3, QUEUED, 0, 0)]


def test_a_message_that_another_take_holds_is_left_alone(bench: Bench) -> None:
    bench.send("alice", "bob", "one")
    take = bench.get(bench.receive("bob", 1))
    bench.broker.inboxes.put_back("bob", take.held, shown=True)
    bench.taken("bob")
    bench.broker.settling.read("bob", take.held)
    bench.write_leisurely()
    assert bench.states() == [(1, LEASED, 1, 0)]


def test_what_could_not_be_settled_is_tried_with_the_next(bench: Bench, logged: list[Failure]) -> None:
    bench.send("alice", "bob", "one")
    bench.send("alice", "bob", "two")
    first, second = bench.get(bench.receive("bob", 1)), bench.get(bench.receive("bob", 1))
    bench.database._connection.execute("ALTER TABLE messages RENAME TO away")
    bench.broker.settling.read("bob", first.held)
    bench.write_leisurely()
    assert logged.pop().check(DatabaseTrouble)
    bench.database._connection.execute("ALTER TABLE away RENAME TO messages")
    bench.broker.settling.read("bob", second.held)
    bench.write_leisurely()
    assert bench.states() == [(1, DONE, 0, 0), (2, DONE, 0, 0)]
