"""A machine's first process, held so that its end is seen at once."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress

from attrs import define, field
from twisted.internet.interfaces import IReactorFDSet, IReactorThreads

from hyperhive.containers import pidfd
from hyperhive.containers.pidfd import Watched
from hyperhive.errors import ContainerError


class IReactor(IReactorFDSet, IReactorThreads):
    """What of a reactor is needed to hold a process."""


@define(eq=False)
class Leader:
    """A running leader. `ended` is called once, when it has ended, unless `close` came first.

    Its mount namespace is held too. Otherwise the kernel would take the machine's overlays down, and write out what
    is dirty on their disk, before it lets anybody see that the leader has died; that can take a second and more.
    """

    _reactor: IReactor
    _ended: Callable[[], None]
    _process: Watched = field(init=False)
    _mounts: int = field(init=False, default=-1)

    @classmethod
    def hold(cls, reactor: IReactor, pid: int, started: int, ended: Callable[[], None]) -> Leader | None:
        """That process, if it has not ended: `started` is its start time in clock ticks since boot.

        Raises ContainerError if it can't be watched.
        """
        try:
            descriptor = pidfd.open_process(pid, started)
        except OSError as error:
            raise ContainerError(f"process {pid} can't be watched: {error.strerror}") from error
        if descriptor is None:
            return None
        leader = cls(reactor, ended)
        with suppress(OSError):
            leader._mounts = os.open(f"/proc/{pid}/ns/mnt", os.O_RDONLY)
        leader._process = Watched(reactor, descriptor, leader._has_ended)
        return leader

    def alive(self) -> bool:
        """Whether it runs at this moment, whatever the reactor has seen so far."""
        return self._process.alive()

    def close(self) -> None:
        """Hold it no longer."""
        self._process.close()
        self._let_go()

    def _has_ended(self) -> None:
        self._let_go()
        self._ended()

    def _let_go(self) -> None:
        mounts, self._mounts = self._mounts, -1
        if mounts >= 0:
            # The last to close it takes the mounts down, and waits for the disk.
            self._reactor.callInThread(os.close, mounts)
