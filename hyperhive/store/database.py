"""One connection, one thread, and one commit for all that queued while the last one was being written."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from queue import SimpleQueue
from threading import Thread
from typing import Final, Protocol

from attrs import define, field
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure

from hyperhive.errors import DatabaseTrouble
from hyperhive.store import batches
from hyperhive.store.batches import Change, Outcome, Request, Result

Connection = sqlite3.Connection
Job = Callable[[], None]

_log = Logger()

LARGEST_COMMIT: Final = 1000
LEISURE: Final = 0.05
"""Seconds that a change which nobody waits for may wait for company."""


class Worker(Protocol):
    """What does one job after the other, elsewhere; a test's does them when it is told to."""

    def do(self, job: Job) -> None:
        """Do `job` after all that were given before."""

    def end(self) -> None:
        """Do what was given, then end; returns when that is so."""


class Writer:
    """A thread that does one job after the other."""

    def __init__(self, name: str) -> None:
        self._jobs: SimpleQueue[Job | None] = SimpleQueue()
        self._thread = Thread(target=self._work, name=name, daemon=True)
        self._thread.start()

    def do(self, job: Job) -> None:
        """Do `job` after all that were given before."""
        self._jobs.put(job)

    def end(self) -> None:
        """Do what was given, then end; returns when that is so."""
        self._jobs.put(None)
        self._thread.join()

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            job()


@define(eq=False)
class Database:
    """The hive's memory.

    A change is a plain function of a connection that can be run again: it is told its result only after the
    commit, is undone if it raises, and must not have effects elsewhere. Changes run in the order in which they
    were given, those `last` after the others of their batch.
    """

    _connect: Callable[[], sqlite3.Connection]
    _clock: IReactorTime
    _deliver: Callable[[Job], object]
    _make_worker: Callable[[], Worker] = field(default=lambda: Writer("hyperhive database"))
    _connection: sqlite3.Connection = field(init=False)
    _worker: Worker | None = field(default=None, init=False)
    _first: list[Request] = field(factory=list, init=False)
    _last: list[Request] = field(factory=list, init=False)
    _committing: bool = field(default=False, init=False)
    _preparations: list[Callable[[], None]] = field(factory=list, init=False)
    _awaited: bool = field(default=False, init=False)
    _watchers: list[Callable[[], None]] = field(factory=list, init=False)
    _was_troubled: bool = field(default=False, init=False)
    _planned: IDelayedCall | None = field(default=None, init=False)
    _hurried: bool = field(default=False, init=False)
    _idle: list[Deferred[None]] = field(factory=list, init=False)
    trouble: DatabaseTrouble | None = field(default=None, init=False)
    """Why the last change that wanted to write could not; None where it could."""

    def open(self) -> None:
        """Connect; raises StartupError. Not before the daemon has forked: neither thread nor connection survive it."""
        self._connection = self._connect()
        self._worker = self._make_worker()

    async def close(self) -> None:
        """Do what was given so far, then close; nothing may be given any more."""
        if self._worker is None:
            return
        await self._finished()
        self._worker.end()
        self._worker = None
        self._connection.close()

    def perform(self, change: Change[Result]) -> Deferred[Result]:
        """Make a change; fires with its result once it is on disk.

        Fails with what the change raised, or with DatabaseTrouble. Cancelling means "don't tell me", not "undo".
        """
        done: Deferred[Result] = Deferred()
        self.submit(change, done.callback, done.errback)
        return done

    def submit(
        self,
        change: Change[Result],
        done: Callable[[Result], object],
        failed: Callable[[Failure], object],
        *,
        last: bool = False,
        leisurely: bool = False,
    ) -> None:
        """As `perform`, for the many: calls `done` or `failed`. A `leisurely` change waits for company, not long."""
        if self._worker is None:
            failed(Failure(DatabaseTrouble("the hive's database is not open; nothing was changed")))
            return
        (self._last if last else self._first).append((change, done, failed))
        self._awaited = self._awaited or not leisurely
        if not self._committing:
            self._plan()

    def before_each_batch(self, prepare: Callable[[], None]) -> None:
        """Have `prepare` called when a batch is about to begin: what it submits belongs to that batch."""
        self._preparations.append(prepare)

    def when_troubled(self, watcher: Callable[[], None]) -> None:
        """Have `watcher` called whenever `trouble` begins or ends."""
        self._watchers.append(watcher)

    def hurry(self) -> None:
        """Have a batch begin soon, for what will be submitted when it does."""
        self._awaited = True
        if self._worker is None:
            self._prepare()
        elif not self._committing:
            self._plan()

    def _prepare(self) -> None:
        for prepare in self._preparations:
            prepare()

    def _finished(self) -> Deferred[None]:
        """Fires when every change given so far is on disk and told."""
        done: Deferred[None] = Deferred()
        self._idle.append(done)
        self._next()
        return done

    def _plan(self) -> None:
        """Have the next batch begin: when all that this turn of the reactor brings is there, or at leisure."""
        if self._planned is not None and self._planned.active():
            if self._hurried or not self._awaited:
                return
            self._planned.cancel()
        self._hurried = self._awaited
        self._planned = self._clock.callLater(0 if self._awaited else LEISURE, self._next)

    def _next(self) -> None:
        if self._planned is not None and self._planned.active():
            self._planned.cancel()
        if self._committing:
            return
        self._committing = True
        self._prepare()
        self._awaited = False
        batch = self._first + self._last
        if not batch or self._worker is None:
            self._committing = False
            idle, self._idle = self._idle, []
            for done in idle:
                done.callback(None)
            return
        self._first, self._last = batch[LARGEST_COMMIT:], []
        self._awaited = bool(self._first)
        self._worker.do(lambda: self._commit(batch[:LARGEST_COMMIT]))

    def _commit(self, batch: list[Request]) -> None:
        before = self._connection.total_changes
        outcomes = batches.commit(self._connection, batch)
        wrote = self._connection.total_changes != before
        self._deliver(lambda: self._tell(outcomes, wrote=wrote))

    def _tell(self, outcomes: list[Outcome], *, wrote: bool) -> None:
        self._committing = False
        self._judge(outcomes, wrote=wrote)
        for tell, what in outcomes:
            try:
                tell(what)
            except Exception:  # noqa: BLE001 - one listener's fault must not cost the others their news
                _log.failure("told what is on disk, a listener failed")
        if self._awaited or self._idle:
            self._next()
        elif self._first or self._last:
            self._plan()
        if self._was_troubled != (self.trouble is not None):
            self._was_troubled = not self._was_troubled
            for watcher in self._watchers:
                watcher()

    def _judge(self, outcomes: list[Outcome], *, wrote: bool) -> None:
        """Know whether the database takes what is written; a batch that only read does not tell."""
        failures = [what.value for _, what in outcomes if isinstance(what, Failure)]
        troubles = [error for error in failures if isinstance(error, DatabaseTrouble)]
        if troubles:
            self.trouble = troubles[-1]
        elif wrote:
            self.trouble = None
