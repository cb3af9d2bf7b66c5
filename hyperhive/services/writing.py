"""Writing what must be written: again and again, until it is on disk, or the daemon ends."""

from __future__ import annotations

from typing import Final, TypeVar

from attrs import define
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import deferLater
from twisted.logger import Logger

from hyperhive.errors import DatabaseTrouble
from hyperhive.store.batches import Change
from hyperhive.store.database import Database

_log = Logger()

AGAIN: Final = 5.0
"""Seconds between two tries."""

Result = TypeVar("Result")


class Interrupted(Exception):
    """The daemon ends in the middle of something that is on disk as begun: the next one takes it up."""


@define(eq=False)
class Writing:
    """Makes changes to the database that nobody could do without. `ending`: whether the daemon ends."""

    _database: Database
    _clock: IReactorTime
    ending: bool = False

    async def write(self, change: Change[Result], what: str) -> Result:
        """Make the change; its result, once it is on disk. `what` it is, as the log says it while that fails.

        Raises Interrupted if the daemon ends before, and what the change itself raises.
        """
        while True:
            try:
                return await self._database.perform(change)
            except DatabaseTrouble as trouble:
                _log.error("{what} is not on disk: {trouble}", what=what, trouble=trouble)
                if self.ending:
                    raise Interrupted from trouble
                await deferLater(self._clock, AGAIN)
