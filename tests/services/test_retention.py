"""Mail that was done long ago is forgotten, slice by slice."""

from __future__ import annotations

from pathlib import Path

from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from hyperhive.limits import RETENTION_INTERVAL, RETENTION_SLICE, TURN_EVENTS_SECONDS
from hyperhive.services.retention import Retention
from tests.bench import Bench
from tests.fakes import HandWorker


def fill(bench: Bench, count: int, state: int = 2) -> None:
    now = bench.broker.now()
    bench.do(
        lambda connection: connection.executemany(
            "INSERT INTO messages (sender, recipient, body, sent_at, state, settled_at) "
            "VALUES ('a', 'bob', '', ?, ?, ?)",
            [(now, state, now)] * count,
        )
    )


def count(bench: Bench) -> int:
    return len(bench.states())


def test_old_mail_is_forgotten_at_the_start_and_every_hour(bench: Bench) -> None:
    retention = Retention(bench.broker, 100)
    fill(bench, 3)
    bench.pass_time(101)
    fill(bench, 2)
    retention.startService()
    bench.settle()
    assert count(bench) == 2
    fill(bench, 1, 0)
    bench.pass_time(RETENTION_INTERVAL)
    assert [state for _, state, _, _ in bench.states()] == [0]
    bench.get(retention.stopService())


def test_what_runners_wrote_is_forgotten_after_two_weeks(bench: Bench) -> None:
    turn = bench.get(bench.turns.begin("bob", (), "command", None))
    bench.get(bench.turns.hear("bob", turn, 1, ["x"] * 256))
    bench.get(bench.turns.hear("bob", turn, 257, ["x"] * 256))
    bench.pass_time(TURN_EVENTS_SECONDS - 1)
    bench.get(bench.turns.hear("bob", turn, 513, ["y"]))
    retention = Retention(bench.broker)
    retention.startService()
    assert len(bench.get(bench.turns.log(turn, 0))[1]) == 513
    bench.pass_time(RETENTION_INTERVAL)
    assert [event.event for event in bench.get(bench.turns.log(turn, 0))[1]] == ["y"]
    bench.get(retention.stopService())


def test_the_newest_message_stays_so_that_no_number_is_given_twice(bench: Bench) -> None:
    retention = Retention(bench.broker, 100)
    fill(bench, 3)
    bench.pass_time(1000)
    retention.startService()
    bench.settle()
    assert [id_ for id_, _, _, _ in bench.states()] == [3]
    fill(bench, 1)
    assert [id_ for id_, _, _, _ in bench.states()] == [3, 4]
    bench.get(retention.stopService())


def test_what_is_not_done_is_kept(bench: Bench) -> None:
    retention = Retention(bench.broker, 100)
    for state in (0, 1, 3):
        fill(bench, 1, state)
    bench.pass_time(1000)
    retention.startService()
    bench.settle()
    assert count(bench) == 3
    bench.get(retention.stopService())


def test_each_slice_is_a_change_of_its_own_and_stopping_waits_for_one(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    retention = Retention(bench.broker, 100)
    fill(bench, 3 * RETENTION_SLICE)
    bench.pass_time(1000)
    worker = bench.database._worker = HandWorker()
    retention.startService()
    bench.settle()
    worker.step()
    bench.settle()
    stopped: list[None] = []
    Deferred.fromCoroutine(retention.stopService()).addCallback(stopped.append)
    assert not stopped
    worker.step()
    bench.settle()
    assert stopped == [None]
    assert not worker.jobs
    left = bench.database._connection.execute("SELECT count(*) FROM messages").fetchone()
    assert left == (RETENTION_SLICE,)


def test_a_sweep_that_fails_is_tried_again_in_an_hour(bench: Bench, logged: list[Failure]) -> None:
    retention = Retention(bench.broker, 100)
    fill(bench, 2)
    bench.pass_time(1000)
    bench.database._connection.execute("ALTER TABLE messages RENAME TO away")
    retention.startService()
    bench.settle()
    logged.clear()
    bench.database._connection.execute("ALTER TABLE away RENAME TO messages")
    bench.pass_time(RETENTION_INTERVAL)
    assert count(bench) == 1
    bench.get(retention.stopService())
