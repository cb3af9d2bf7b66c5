"""Settling what was read: many small notes, written together when the database writes anyway."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence

from attrs import define, field
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure

from hyperhive.store import mail
from hyperhive.store.database import Connection, Database

_log = Logger()

Held = tuple[int, int, str]
"""A message's id, the take that leased it, and its recipient."""


@define(eq=False)
class Settling:
    """Gathers what peers are known to have read and settles it with the next commit.

    Nobody waits for it: if the daemon dies first, the message comes again, marked.
    """

    _database: Database
    _clock: IReactorTime
    _moved: Callable[[str, Sequence[int]], None]
    _read: deque[Held] = field(factory=deque, init=False)
    _writing: bool = field(default=False, init=False)

    def read(self, name: str, held: Sequence[tuple[int, int]]) -> None:
        """The recipient has read these messages, and they are done."""
        self._read.extend((id_, number, name) for id_, number in held)
        if not self._writing:
            self._write()

    def _write(self) -> None:
        self._writing = True
        batch: list[Held] = []
        now = int(self._clock.seconds())

        def change(connection: Connection) -> None:
            # In the database's thread, and perhaps twice: what was gathered since `read` called goes along.
            while self._read:
                batch.append(self._read.popleft())
            mail.settle(connection, [(id_, number) for id_, number, _ in batch], now)

        self._database.submit(
            change,
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
