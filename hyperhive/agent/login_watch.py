"""Whether somebody logged in meanwhile: the file with the runner's credentials is looked at now and then."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Final

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import LoopingCall

INTERVAL: Final = 5.0
"""Seconds between two looks: they cost nothing, and a person who logs in waits for no more than that."""


class LoginWatch:
    """Watches one file, which need not be there; without one it sees nothing."""

    def __init__(self, clock: IReactorTime, path: Path | None) -> None:
        self._clock = clock
        self._path = path
        self._seen = self._look()

    def remember(self) -> None:
        """What is there now is what a change is told from."""
        self._seen = self._look()

    def changed(self) -> Deferred[bool]:
        """Fires with True once the file is another than was remembered; can be cancelled."""

        def look() -> None:
            if self._look() != self._seen:
                looking.stop()
                over.callback(result=True)

        looking = LoopingCall(look)
        looking.clock = self._clock
        looking.start(INTERVAL, now=False)
        over: Deferred[bool] = Deferred(lambda _: looking.stop())
        return over

    def _look(self) -> tuple[int, ...] | None:
        if self._path is not None:
            with suppress(OSError):
                status = self._path.stat()
                return status.st_mtime_ns, status.st_size, status.st_ino
        return None
