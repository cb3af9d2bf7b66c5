"""Settling what was read: many small notes, written together when the database writes anyway."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from attrs import define, field
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure

from hyperhive.store import leases
from hyperhive.store.database import Database

_log = Logger()

Held = tuple[int, int, str]
"""A message's id, the take that leased it, and its recipient."""


@define(eq=False)
class Settling:
    """Gathers what peers are known to have read and settles it with the next commit, or the one after.

    Nobody waits for it: if the daemon dies first, the message comes again, marked.
    """

    _database: Database
    _clock: IReactorTime
    _moved: Callable[[str, Sequence[int]], None]
    _read: list[Held] = field(factory=list, init=False)
    _writing: bool = field(default=False, init=False)

    def read(self, name: str, held: Sequence[tuple[int, int]]) -> None:
        """The recipient has read these messages, and they are done."""
        self._read.extend((id_, number, name) for id_, number in held)
        if not self._writing:
            self._write()

    def try_again(self) -> None:
        """Write what could not be written before."""
        if self._read and not self._writing:
            self._write()

    def _write(self) -> None:
        self._writing = True
        batch, self._read = self._read, []
        held = [(id_, number) for id_, number, _ in batch]
        now = int(self._clock.seconds())
        self._database.submit(
            lambda connection: leases.settle(connection, held, now),
            lambda _: self._written(batch),
            lambda reason: self._failed(batch, reason),
            last=True,
            leisurely=True,
        )

    def _written(self, batch: Sequence[Held]) -> None:
        self._writing = False
        for id_, _, name in batch:
            self._moved(name, [id_])
        if self._read:
            self._write()

    def _failed(self, batch: Sequence[Held], reason: Failure) -> None:
        _log.failure("what was read could not be settled; it is tried again with the next", failure=reason)
        self._read.extend(batch)
        self._writing = False
