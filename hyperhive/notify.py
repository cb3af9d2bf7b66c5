"""What the service manager is told: `sd_notify`, as systemd's manual describes it.

A hive that starts or stops asks for more time, and one that is up says that it lives: each time only after the
reactor has turned and the database's thread has answered. Where either hangs, nothing is said, and the service
manager's own clock ends the daemon. A database that answers that it can't write is no reason to be restarted.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, MutableMapping
from enum import Enum
from typing import Any, Final

from attrs import define, field
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import LoopingCall
from twisted.logger import Logger

_log = Logger()

PULSE: Final = 10.0
"""Seconds between two signs of life where no watchdog asks for them more often."""
MORE_TIME: Final = 3 * PULSE
"""Seconds that a start or a stop asks for with each sign of life."""
LONGEST: Final = 900.0
"""Seconds for which a start or a stop goes on asking."""


class _Phase(Enum):
    STARTING = b""
    UP = b"READY=1"
    STOPPING = b"STOPPING=1"


def notifier(
    environment: MutableMapping[str, str], clock: IReactorTime, proof: Callable[[], Deferred[Any]]
) -> Notifier:
    """The notifier for the service manager that `environment` names; one that says nothing where it names none.

    `proof` fires, with whatever, when the database has answered. The variables are taken away, so that agents don't
    take them for theirs.
    """
    address = environment.pop("NOTIFY_SOCKET", "")
    microseconds = environment.pop("WATCHDOG_USEC", "")
    watched = environment.pop("WATCHDOG_PID", str(os.getpid())) == str(os.getpid())
    if address[:1] not in {"/", "@"}:
        return Notifier(None, clock, proof)
    watchdog = int(microseconds) / 1e6 if watched and microseconds.isdecimal() and int(microseconds) else None
    return Notifier(address if address[0] == "/" else f"\0{address[1:]}", clock, proof, watchdog)


@define(eq=False)
class Notifier:
    """Tells the service manager at `address` (a path, or NUL and an abstract name) how the daemon stands.

    `watchdog` is the number of seconds without a sign of life after which it ends us, None for no such number. What
    can't be told is logged once, and is no reason to stop.
    """

    _address: str | None
    _clock: IReactorTime
    _proof: Callable[[], Deferred[Any]]
    _watchdog: float | None = None
    _socket: socket.socket | None = field(default=None, init=False)
    _unsent: list[bytes] = field(factory=list, init=False)
    _phase: _Phase = field(default=_Phase.STARTING, init=False)
    _since: float = field(default=0.0, init=False)
    _asking: bool = field(default=False, init=False)
    _loop: LoopingCall | None = field(default=None, init=False)

    def start(self) -> None:
        """Begin: the daemon is starting."""
        if self._address is None:
            return
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC)
        self._since = self._clock.seconds()
        self._loop = LoopingCall(self._pulse)
        self._loop.clock = self._clock
        self._loop.start(min(PULSE, self._watchdog / 2) if self._watchdog else PULSE)

    def ready(self, status: str) -> None:
        """The daemon is up; `status` is what `systemctl status` shows."""
        self._enter(_Phase.UP, status)

    def stopping(self) -> None:
        """The daemon is stopping."""
        self._enter(_Phase.STOPPING, "stopping")

    def failed(self, sentence: str) -> None:
        """Show why the daemon is about to end."""
        self._tell(_status(sentence))

    def stop(self) -> None:
        """End: nothing is told any more."""
        if self._loop is not None and self._loop.running:
            self._loop.stop()
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _enter(self, phase: _Phase, status: str) -> None:
        self._phase, self._since = phase, self._clock.seconds()
        self._tell(phase.value, _status(status))

    def _pulse(self) -> None:
        self._send()
        if not self._asking:
            self._asking = True
            self._proof().addBoth(self._proven)

    def _proven(self, _answer: object) -> None:
        self._asking = False
        signs = [b"WATCHDOG=1"] if self._watchdog else []
        if self._phase is not _Phase.UP and self._clock.seconds() - self._since < LONGEST:
            signs.append(b"EXTEND_TIMEOUT_USEC=%d" % (MORE_TIME * 1e6))
        if signs and not self._unsent:
            self._tell(*signs)

    def _tell(self, *assignments: bytes) -> None:
        if self._socket is not None:
            self._unsent.append(b"\n".join(assignments))
            self._send()

    def _send(self) -> None:
        """Send what is unsent; what finds the service manager's queue full goes with the next pulse."""
        while self._unsent and self._socket is not None and self._address is not None:
            try:
                self._socket.sendto(self._unsent[0], self._address)
            except BlockingIOError:
                return
            except OSError as error:
                _log.warn("the service manager can't be told how the hive stands: {error}", error=error.strerror)
                self.stop()
                return
            del self._unsent[0]


def _status(text: str) -> bytes:
    return b"STATUS=" + " ".join(text.split()).encode()
