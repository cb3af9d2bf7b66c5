"""A process held by descriptor: its number can't come to mean another one."""

from __future__ import annotations

import errno
import os
import select
import signal
from collections.abc import Callable
from contextlib import suppress

from attrs import define, field
from twisted.internet.interfaces import IReactorFDSet, IReadDescriptor
from twisted.python.failure import Failure
from zope.interface import implementer

from hyperhive.containers import proc

NO_PROCESS = {errno.ESRCH, errno.ENOENT, errno.EINVAL}
"""There is none of that number, or it is a thread's (ENOENT, before Linux 6.9 EINVAL)."""


def open_process(pid: int, started: int) -> int | None:
    """A descriptor of the process that has that number and start time, if it has not ended."""
    try:
        descriptor = os.pidfd_open(pid)
    except OSError as error:
        if error.errno in NO_PROCESS:
            return None
        raise
    process = proc.look(pid)
    if process is None or process.started != started or process.ended:
        os.close(descriptor)
        return None
    return descriptor


def send(descriptor: int, number: signal.Signals) -> None:
    """Send the signal, unless the process has ended or may not be signalled by us."""
    with suppress(ProcessLookupError, PermissionError):
        signal.pidfd_send_signal(descriptor, number)


def wait(descriptor: int, seconds: float) -> bool:
    """Whether the process ended within that time; blocks that long at most."""
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    return bool(poll.poll(max(0.0, seconds) * 1000))


@implementer(IReadDescriptor)
@define(eq=False)
class Watched:
    """A process that the reactor watches: `ended` is called once, when it has ended, unless `close` came first."""

    reactor: IReactorFDSet
    descriptor: int
    _ended: Callable[[], None] = field(alias="ended")

    def __attrs_post_init__(self) -> None:
        self.reactor.addReader(self)

    def alive(self) -> bool:
        """Whether it runs at this moment, whatever the reactor has seen so far."""
        return self.descriptor >= 0 and not wait(self.descriptor, 0)

    def send(self, number: signal.Signals) -> None:
        """Send it the signal, unless it has ended."""
        if self.descriptor >= 0:
            send(self.descriptor, number)

    def close(self) -> None:
        """Watch it no longer; does nothing the second time."""
        if self.descriptor >= 0:
            self.reactor.removeReader(self)
            os.close(self.descriptor)
            self.descriptor = -1

    def fileno(self) -> int:
        return self.descriptor

    def doRead(self) -> None:
        self.close()
        self._ended()

    def connectionLost(self, reason: Failure) -> None:
        self.close()

    def logPrefix(self) -> str:
        return "pidfd"
