"""Other programs, run to their end through the reactor."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Literal

from attrs import define, field, frozen
from twisted.internet import defer
from twisted.internet.defer import Deferred
from twisted.internet.error import ProcessDone, ProcessExitedAlready
from twisted.internet.interfaces import IReactorProcess, IReactorTime
from twisted.internet.protocol import ProcessProtocol
from twisted.python.failure import Failure

from hyperhive.errors import ContainerError, brief

MOST_BYTES = 1024 * 1024

Keep = Literal["first", "last"]
"""Which bytes of too long an output are kept."""


class IReactor(IReactorProcess, IReactorTime):
    """What of a reactor a command needs."""


@frozen(kw_only=True)
class Outcome:
    """How a command ended: its standard output, the last lines of its complaints, and whether it said all went well."""

    output: bytes
    complaints: Sequence[str]
    succeeded: bool

    @property
    def complaint(self) -> str:
        """Its last line of complaint; empty if there is none."""
        return self.complaints[-1] if self.complaints else ""


async def run(
    reactor: IReactor,
    *words: str,
    given: bytes = b"",
    seconds: float = 30.0,
    most_bytes: int = MOST_BYTES,
    keep: Keep = "last",
    environment: Mapping[str, str] | None = None,
) -> bytes:
    """A command's standard output, `most_bytes` of it. Raises ContainerError with its complaint if it fails."""
    outcome = await attempt(
        reactor, *words, given=given, seconds=seconds, most_bytes=most_bytes, keep=keep, environment=environment
    )
    if not outcome.succeeded:
        raise ContainerError(f"'{words[0]}' failed: {outcome.complaint or 'it did not say why'}")
    return outcome.output


async def attempt(
    reactor: IReactor,
    *words: str,
    given: bytes = b"",
    seconds: float = 30.0,
    most_bytes: int = MOST_BYTES,
    keep: Keep = "last",
    environment: Mapping[str, str] | None = None,
) -> Outcome:
    """How a command ended, well or not. Raises ContainerError if it can't be run, or takes longer than `seconds`."""
    running = _Running(given=given, most_bytes=most_bytes, keep=keep)
    plain = {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C.UTF-8", **(environment or {})}
    return await _ending(reactor, running, words, seconds, plain)


async def attempt_as(
    reactor: IReactor, *words: str, environment: Mapping[bytes, bytes], directory: Path, seconds: float
) -> Outcome:
    """How a command ended that ran there with just that environment; as for `attempt`."""
    running = _Running(given=b"", most_bytes=MOST_BYTES, keep="last")
    return await _ending(reactor, running, words, seconds, environment, directory)


async def _ending(
    reactor: IReactor,
    running: _Running,
    words: Sequence[str],
    seconds: float,
    environment: Mapping[Any, Any],
    directory: Path | None = None,
) -> Outcome:
    try:
        reactor.spawnProcess(running, words[0], words, environment, None if directory is None else str(directory))
    except OSError as error:
        raise ContainerError(f"'{words[0]}' can't be run: {error.strerror}") from error
    try:
        return await running.ended.addTimeout(seconds, reactor)
    except defer.TimeoutError as error:
        raise ContainerError(f"'{words[0]}' did not end within {seconds:g} seconds, and was killed") from error


@define(eq=False)
class _Running(ProcessProtocol):
    given: bytes
    most_bytes: int
    keep: Keep
    ended: Deferred[Outcome] = field(init=False)
    _output: bytearray = field(init=False, factory=bytearray)
    _complaint: bytearray = field(init=False, factory=bytearray)

    def __attrs_post_init__(self) -> None:
        self.ended = Deferred(lambda _: _kill(self))

    def connectionMade(self) -> None:
        assert self.transport is not None
        self.transport.write(self.given)
        self.transport.closeStdin()

    def outReceived(self, data: bytes) -> None:
        self._output += data
        if self.keep == "last":
            del self._output[: -self.most_bytes]
        else:
            del self._output[self.most_bytes :]

    def errReceived(self, data: bytes) -> None:
        self._complaint += data
        del self._complaint[:-4096]

    def processEnded(self, reason: Failure) -> None:
        if not self.ended.called:
            lines = self._complaint.decode(errors="replace").split("\n")
            complaints = [brief(line.strip()) for line in lines if line.strip()]
            succeeded = reason.check(ProcessDone) is not None
            self.ended.callback(Outcome(output=bytes(self._output), complaints=complaints, succeeded=succeeded))


def _kill(protocol: ProcessProtocol) -> None:
    if protocol.transport is not None:
        with suppress(ProcessExitedAlready):
            protocol.transport.signalProcess("KILL")
        protocol.transport.loseConnection()  # what it has left behind may hold the other ends for ever
