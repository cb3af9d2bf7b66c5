"""One commit for all that queued meanwhile; nothing is told before it is on disk, and a failure is one's own."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from attrs import define, field
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.task import Clock
from twisted.python.failure import Failure

from hyperhive.errors import DatabaseTrouble, Refused
from hyperhive.store import database as module
from hyperhive.store.database import LEISURE, Database
from tests.fakes import HandWorker


@define
class Spy:
    """A connection that can be told to fail a statement, and remembers the commits."""

    connection: sqlite3.Connection
    failing: dict[str, Exception] = field(factory=dict)
    commits: int = 0

    def execute(self, statement: str, *args: Any) -> sqlite3.Cursor:
        if statement in self.failing:
            raise self.failing.pop(statement)
        cursor = self.connection.execute(statement, *args)
        self.commits += statement == "COMMIT"
        return cursor

    def __getattr__(self, name: str) -> Any:
        return getattr(self.connection, name)


@define
class Rig:
    path: Path
    clock: Clock = field(factory=Clock)
    worker: HandWorker = field(factory=HandWorker)
    spy: Spy = field(init=False)
    database: Database = field(init=False)

    def __attrs_post_init__(self) -> None:
        connection = sqlite3.connect(self.path, isolation_level=None)
        connection.execute("CREATE TABLE rows (x)")
        self.spy = Spy(connection)
        spy: Any = self.spy
        self.database = Database(lambda: spy, self.clock, lambda job: job(), lambda: self.worker)
        self.database.open()

    def crank(self) -> None:
        self.clock.advance(0)
        while self.worker.jobs:
            self.worker.step()

    def on_disk(self) -> list[Any]:
        other = sqlite3.connect(self.path)
        found = [x for (x,) in other.execute("SELECT x FROM rows ORDER BY rowid")]
        other.close()
        return found


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    made = Rig(tmp_path / "rows.sqlite")
    yield made
    made.spy.connection.close()


def put(x: Any, error: Exception | None = None) -> Callable[[sqlite3.Connection], Any]:
    def change(connection: sqlite3.Connection) -> Any:
        connection.execute("INSERT INTO rows VALUES (?)", (x,))
        if error is not None:
            raise error
        return x

    return change


def refuse(_: sqlite3.Connection) -> None:
    raise Refused("no")


def result(deferred: Deferred[Any]) -> list[Any]:
    results: list[Any] = []
    deferred.addBoth(results.append)
    return results


def test_what_queued_together_is_one_commit(rig: Rig) -> None:
    told = [result(rig.database.perform(put(x))) for x in range(5)]
    rig.crank()
    assert told == [[0], [1], [2], [3], [4]]
    assert rig.spy.commits == 1


def test_what_queued_during_a_commit_is_the_next_one(rig: Rig) -> None:
    first = result(rig.database.perform(put(1)))
    rig.clock.advance(0)
    later = [result(rig.database.perform(put(x))) for x in (2, 3)]
    assert len(rig.worker.jobs) == 1
    rig.worker.step()
    assert (first, later) == ([1], [[], []])
    rig.worker.step()
    assert later == [[2], [3]]
    assert rig.spy.commits == 2


def test_a_result_is_told_only_when_it_is_on_disk(rig: Rig) -> None:
    seen: list[list[Any]] = []
    rig.database.perform(put(1)).addCallback(lambda _: seen.append(rig.on_disk()))
    rig.clock.advance(0)
    assert (seen, rig.on_disk()) == ([], [])
    rig.worker.step()
    assert seen == [[1]]


def test_a_change_that_fails_is_undone_alone(rig: Rig) -> None:
    fault = ValueError("mine")
    told = [result(rig.database.perform(change)) for change in (put(1), put(2, fault), put(3))]
    rig.crank()
    assert (told[0], told[2]) == ([1], [3])
    assert told[1][0].value is fault
    assert rig.on_disk() == [1, 3]


def test_a_refusal_after_a_write_is_undone_alone(rig: Rig) -> None:
    told = [result(rig.database.perform(change)) for change in (put(1), put(2, Refused("no")), put(3))]
    rig.crank()
    assert told[1][0].check(Refused)
    assert rig.on_disk() == [1, 3]


def test_a_refusal_before_any_write_costs_the_others_nothing(rig: Rig) -> None:
    told = [result(rig.database.perform(change)) for change in (put(1), refuse, put(3))]
    rig.crank()
    assert told[1][0].check(Refused)
    assert (told[0], told[2]) == ([1], [3])
    assert rig.spy.commits == 1


def test_a_commit_that_fails_is_tried_again_one_by_one(rig: Rig) -> None:
    rig.spy.failing["COMMIT"] = sqlite3.OperationalError("disk I/O error")
    told = [result(rig.database.perform(put(x))) for x in (1, 2)]
    rig.crank()
    assert told == [[1], [2]]
    assert (rig.on_disk(), rig.spy.commits) == ([1, 2], 2)


def test_a_database_that_fails_is_a_refusal_and_the_next_change_goes_through(rig: Rig) -> None:
    told = result(rig.database.perform(lambda connection: connection.execute("INSERT INTO nowhere VALUES (1)")))
    rig.crank()
    assert told[0].check(DatabaseTrouble)
    assert "no such table: nowhere" in told[0].getErrorMessage()
    after = result(rig.database.perform(put(1)))
    rig.crank()
    assert after == [1]


def test_a_database_that_another_process_holds_is_tried_once_a_batch(rig: Rig) -> None:
    rig.spy.failing["BEGIN IMMEDIATE"] = sqlite3.OperationalError("database is locked")
    told = [result(rig.database.perform(put(x))) for x in range(3)]
    rig.crank()
    assert [one[0].check(DatabaseTrouble) for one in told] == [DatabaseTrouble] * 3
    assert "database is locked" in str(told[0][0].value)
    after = result(rig.database.perform(put(3)))
    rig.crank()
    assert (after, rig.on_disk()) == ([3], [3])


def test_a_roll_back_that_fails_does_not_end_the_writing(rig: Rig) -> None:
    rig.spy.failing["ROLLBACK"] = sqlite3.OperationalError("disk I/O error")
    told = [result(rig.database.perform(change)) for change in (put(1), put(2, ValueError("mine")))]
    rig.crank()
    assert [one[0].type for one in told] == [DatabaseTrouble, ValueError]
    assert rig.on_disk() == []
    after = result(rig.database.perform(put(3)))
    rig.crank()
    assert (after, rig.on_disk()) == ([3], [3])


def test_the_last_ones_come_after_the_others_of_their_batch(rig: Rig) -> None:
    order: list[str] = []

    def note(word: str) -> Callable[[sqlite3.Connection], None]:
        return lambda _: order.append(word)

    rig.database.submit(note("last"), lambda _: None, lambda _: None, last=True)
    rig.database.submit(note("first"), lambda _: None, lambda _: None)
    rig.database.submit(note("second"), lambda _: None, lambda _: None)
    rig.crank()
    assert order == ["first", "second", "last"]


def test_a_leisurely_change_waits_for_company_but_not_for_long(rig: Rig) -> None:
    told: list[Any] = []
    rig.database.submit(put(1), told.append, told.append, last=True, leisurely=True)
    rig.crank()
    assert not told
    rig.clock.advance(LEISURE)
    rig.crank()
    assert told == [1]


def test_a_leisurely_change_goes_along_with_any_other(rig: Rig) -> None:
    told: list[Any] = []
    rig.database.submit(put(1), told.append, told.append, leisurely=True)
    rig.database.submit(put(2), told.append, told.append)
    rig.crank()
    assert told == [1, 2]
    assert rig.spy.commits == 1
    assert not rig.clock.getDelayedCalls()


def test_a_commit_has_a_size_at_most(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LARGEST_COMMIT", 2)
    told: list[Any] = []
    for x in range(5):
        rig.database.submit(put(x), told.append, told.append, last=x == 0)
    rig.crank()
    assert told == [1, 2, 3, 4, 0]
    assert rig.spy.commits == 3


def test_a_listener_that_fails_costs_the_others_nothing(rig: Rig, logged: list[Failure]) -> None:
    told: list[Any] = []

    def fail(_: Any) -> None:
        raise ValueError("mine")

    rig.database.submit(put(1), fail, fail)
    rig.database.submit(put(2), told.append, told.append)
    rig.crank()
    assert told == [2]
    assert logged.pop().check(ValueError)


def test_who_cancels_is_not_told_and_nothing_is_undone(rig: Rig) -> None:
    performed = rig.database.perform(put(1))
    told = result(performed)
    performed.cancel()
    rig.crank()
    assert told[0].check(CancelledError)
    assert rig.on_disk() == [1]


def test_closing_waits_for_what_was_given(rig: Rig) -> None:
    told = [result(rig.database.perform(put(1)))]
    rig.clock.advance(0)
    told.append(result(rig.database.perform(put(2))))
    closed = result(Deferred.fromCoroutine(rig.database.close()))
    assert not closed
    rig.worker.step()
    assert not closed
    rig.worker.step()
    assert told == [[1], [2]]
    assert closed == [None]
    assert rig.worker.ended


def test_closing_an_idle_database_is_done_at_once(rig: Rig) -> None:
    assert result(Deferred.fromCoroutine(rig.database.close())) == [None]


async def test_a_real_thread_writes_and_the_reactor_tells(tmp_path: Path) -> None:
    from twisted.internet import reactor

    threads: list[str] = []
    clock: Any = reactor

    def connect() -> sqlite3.Connection:
        return sqlite3.connect(tmp_path / "rows.sqlite", isolation_level=None, check_same_thread=False)

    def change(connection: sqlite3.Connection) -> int:
        threads.append(threading.current_thread().name)
        connection.execute("CREATE TABLE IF NOT EXISTS rows (x)")
        connection.execute("INSERT INTO rows VALUES (1)")
        return int(connection.execute("SELECT count(*) FROM rows").fetchone()[0])

    database = Database(connect, clock, clock.callFromThread)
    database.open()
    performed = [database.perform(change) for _ in range(3)]
    assert [await one for one in performed] == [1, 2, 3]
    performed.append(database.perform(change))
    await database.close()
    assert performed[3].result == 4
    assert set(threads) == {"hyperhive database"}
    assert threading.current_thread().name not in threads
    assert not [thread for thread in threading.enumerate() if thread.name == "hyperhive database"]


def test_whoever_watches_is_told_when_trouble_begins_and_when_something_was_written_again(rig: Rig) -> None:
    seen: list[bool] = []
    rig.database.when_troubled(lambda: seen.append(rig.database.trouble is not None))
    for _ in range(2):
        rig.spy.failing["BEGIN IMMEDIATE"] = sqlite3.OperationalError("database is locked")
        result(rig.database.perform(put(1)))
        rig.crank()
    assert seen == [True]
    assert "database is locked" in str(rig.database.trouble)
    result(rig.database.perform(lambda connection: connection.execute("SELECT * FROM rows").fetchall()))
    rig.crank()
    assert seen == [True]
    result(rig.database.perform(put(2)))
    rig.crank()
    assert (seen, rig.database.trouble) == ([True, False], None)
