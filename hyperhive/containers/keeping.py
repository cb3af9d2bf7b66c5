"""The daemon's side of a keeper: starting one, hearing whether the command is up, and watching it to its end."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from attrs import define, field, frozen
from twisted.internet.defer import Deferred, succeed
from twisted.internet.error import ProcessExitedAlready
from twisted.internet.interfaces import IReactorProcess
from twisted.internet.protocol import ProcessProtocol
from twisted.python.failure import Failure

from hyperhive.containers import keeper
from hyperhive.containers.pidfd import Watched
from hyperhive.containers.records import Run
from hyperhive.errors import ContainerError
from hyperhive.layout import Layout

NOT_INHERITED = ("HIVE_", "LISTEN_", "NOTIFY_SOCKET", "WATCHDOG_")
MOST_COMPLAINT = 4096
START_SECONDS = 10.0
"""How long a keeper has until its command is up."""
KILL_SECONDS = 5.0
"""How long the processes of an agent have to be gone after SIGKILL."""


@frozen(kw_only=True)
class Order:
    """What a keeper is told: whose command to run, and with how many open files (None: ours).

    `environment` is what the command gets beside our own, without what is private in that.
    """

    layout: Layout
    name: str
    generation: int
    command: Sequence[str]
    environment: Mapping[str, str]
    soft_files: int | None

    def arguments(self) -> list[str]:
        """The keeper's command line."""
        files = "-" if self.soft_files is None else str(self.soft_files)
        directories = (str(self.layout.runtime(self.name)), str(self.layout.notes(self.name)))
        return [sys.executable, "-I", "-S", keeper.__file__, *directories, files, *self.command]

    def whole_environment(self) -> dict[str, str]:
        """The agent's environment, and the keeper's marks that it takes away again."""
        inherited = {key: value for key, value in os.environ.items() if not key.startswith(NOT_INHERITED)}
        marks = dict(
            zip(keeper.MARKS, (os.fsdecode(state_mark(self.layout)), self.name, str(self.generation)), strict=True)
        )
        return inherited | dict(self.environment) | marks


def start_keeper(reactor: IReactorProcess, order: Order) -> tuple[int, Deferred[None]]:
    """A descriptor of the new keeper's process, and when its command is up.

    The Deferred fails with ContainerError if the command does not run; cancelled, it kills the keeper.
    """
    hearing = _Hearing(order.name)
    try:
        pid = _spawn(reactor, hearing, order)
        return os.pidfd_open(pid), hearing.up
    except OSError as error:
        hearing.up.addErrback(lambda _: None)
        hearing.up.cancel()
        raise ContainerError(f"the keeper of {order.name} can't be started: {error.strerror}") from error


def _spawn(reactor: IReactorProcess, hearing: ProcessProtocol, order: Order) -> int:
    nothing = os.open(os.devnull, os.O_RDONLY)
    arguments, environment = order.arguments(), order.whole_environment()
    try:
        streams: dict[int, int | str] = {0: nothing, 1: "r", 2: "r"}
        return int(reactor.spawnProcess(hearing, arguments[0], arguments, environment, childFDs=streams).pid)
    finally:
        os.close(nothing)


class _Hearing(ProcessProtocol):
    """Waits for the keeper's one line, and lets go of it then."""

    def __init__(self, name: str) -> None:
        self.up: Deferred[None] = Deferred(self._give_up)
        self._name = name
        self._line = b""
        self._complaint = b""

    def outReceived(self, data: bytes) -> None:
        self._line += data
        if self._line.endswith(b"\n"):
            self._settle(self._line.decode(errors="replace").strip())

    def errReceived(self, data: bytes) -> None:
        self._complaint = (self._complaint + data)[-MOST_COMPLAINT:]

    def processEnded(self, reason: Failure) -> None:
        last = self._complaint.decode(errors="replace").strip().rpartition("\n")[2]
        self._settle(
            f"failed the keeper of {self._name} ended before its command ran: {last or reason.getErrorMessage()}"
        )

    def _settle(self, line: str) -> None:
        if self.up.called:
            return
        verdict, _, sentence = line.partition(" ")
        if self.transport is not None:
            self.transport.loseConnection()
        if verdict == "up":
            self.up.callback(None)
        else:
            self.up.errback(ContainerError(sentence))

    def _give_up(self, up: Deferred[None]) -> None:
        if self.transport is not None:
            self.transport.loseConnection()
            with suppress(ProcessExitedAlready):
                self.transport.signalProcess("KILL")


@define(eq=False)
class Kept:
    """An agent whose keeper is watched; over when the keeper and the agent's session are gone."""

    name: str
    run: Run
    keeper: Watched = field(init=False)
    burial: Deferred[None] | None = field(init=False, default=None)
    _survivors: list[int] | None = field(init=False, default=None)
    _waiting: list[Deferred[list[int]]] = field(init=False, factory=list)

    def when_gone(self) -> Deferred[list[int]]:
        """Fires when it is over, with the processes that would not die."""
        if self._survivors is not None:
            return succeed(self._survivors)
        waiting: Deferred[list[int]] = Deferred()
        self._waiting.append(waiting)
        return waiting

    def gone(self, survivors: list[int]) -> None:
        """It is over: whoever waits for that hears it."""
        self._survivors = survivors
        for waiting in self._let_go():
            waiting.callback(survivors)

    def close(self) -> None:
        """Watch it no longer; who waits for its end is cancelled."""
        self.keeper.close()
        for waiting in self._let_go():
            waiting.cancel()
        if self.burial is not None:
            self.burial.cancel()

    def _let_go(self) -> list[Deferred[list[int]]]:
        waiting, self._waiting = self._waiting, []
        return [one for one in waiting if not one.called]


def state_mark(layout: Layout) -> bytes:
    """The hive as its keepers' environment names it, however the daemon's command line spells the path."""
    return os.fsencode(layout.state.resolve())


def runtime_directory(layout: Layout, name: str) -> Path:
    """The agent's runtime directory, made if need be. Raises ContainerError."""
    directory = layout.runtime(name)
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise ContainerError(f"{directory} can't be made: {error.strerror}") from error
    return directory
