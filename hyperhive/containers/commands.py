"""Other programs, run through the reactor: short ones to their end, and long ones line by line."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress

from attrs import define, field, frozen
from twisted.internet import defer
from twisted.internet.defer import Deferred
from twisted.internet.error import ProcessDone, ProcessExitedAlready
from twisted.internet.interfaces import IReactorProcess, IReactorTime
from twisted.internet.protocol import ProcessProtocol
from twisted.python.failure import Failure

from hyperhive.errors import ContainerError, brief

MOST_BYTES = 1024 * 1024


class IReactor(IReactorProcess, IReactorTime):
    """What of a reactor a command needs."""


@frozen(kw_only=True)
class Outcome:
    """How a command ended: its standard output, what it complained of, and whether it said that all went well."""

    output: bytes
    complaint: str
    succeeded: bool


async def run(
    reactor: IReactor,
    *words: str,
    given: bytes = b"",
    seconds: float = 30.0,
    most_bytes: int = MOST_BYTES,
    environment: Mapping[str, str] | None = None,
) -> bytes:
    """The last `most_bytes` of a command's standard output. Raises ContainerError with its complaint if it fails."""
    outcome = await attempt(
        reactor, *words, given=given, seconds=seconds, most_bytes=most_bytes, environment=environment
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
    environment: Mapping[str, str] | None = None,
) -> Outcome:
    """How a command ended, well or not. Raises ContainerError if it can't be run, or takes longer than `seconds`."""
    running = _Running(given=given, most_bytes=most_bytes)
    _spawn(reactor, running, words, environment)
    try:
        return await running.ended.addTimeout(seconds, reactor)
    except defer.TimeoutError as error:
        raise ContainerError(f"'{words[0]}' did not end within {seconds:.0f} seconds, and was killed") from error


@define(eq=False)
class _Running(ProcessProtocol):
    given: bytes
    most_bytes: int
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
        del self._output[: -self.most_bytes]

    def errReceived(self, data: bytes) -> None:
        self._complaint += data
        del self._complaint[:-4096]

    def processEnded(self, reason: Failure) -> None:
        if not self.ended.called:
            complaint = brief(self._complaint.decode(errors="replace").strip().rpartition("\n")[2])
            succeeded = reason.check(ProcessDone) is not None
            self.ended.callback(Outcome(output=bytes(self._output), complaint=complaint, succeeded=succeeded))


async def follow(
    reactor: IReactor, *words: str, until: Callable[[bytes], bool], seconds: float = 5.0, longest_line: int = MOST_BYTES
) -> None:
    """Hand each line that the command prints to `until`, till that says enough, the command ends, or time is up."""
    following = _Following(until=until, longest_line=longest_line)
    _spawn(reactor, following, words, None)
    with suppress(defer.TimeoutError):
        await following.ended.addTimeout(seconds, reactor)


@define(eq=False)
class _Following(ProcessProtocol):
    until: Callable[[bytes], bool]
    longest_line: int
    ended: Deferred[None] = field(init=False)
    _begun: bytes = field(init=False, default=b"")

    def __attrs_post_init__(self) -> None:
        self.ended = Deferred(lambda _: _kill(self))

    def outReceived(self, data: bytes) -> None:
        *lines, self._begun = (self._begun + data).split(b"\n")
        for line in lines:
            self._line(line)
        self._begun = self._begun[: self.longest_line]  # cut, it is none of those that we look for

    def processEnded(self, reason: Failure) -> None:
        if not self.ended.called:
            self.ended.callback(None)

    def _line(self, line: bytes) -> None:
        if not self.ended.called and self.until(line):
            _kill(self)
            self.ended.callback(None)


def _kill(protocol: ProcessProtocol) -> None:
    if protocol.transport is not None:
        with suppress(ProcessExitedAlready):
            protocol.transport.signalProcess("KILL")


def _spawn(
    reactor: IReactor, protocol: ProcessProtocol, words: Sequence[str], environment: Mapping[str, str] | None
) -> None:
    plain = {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C.UTF-8", **(environment or {})}
    try:
        reactor.spawnProcess(protocol, words[0], words, plain)
    except OSError as error:
        raise ContainerError(f"'{words[0]}' can't be run: {error.strerror}") from error
