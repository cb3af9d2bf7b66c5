"""The command that does the agent's work: one process a message, the body in, the reply out."""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Callable, Sequence
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.error import ProcessTerminated
from twisted.internet.interfaces import IDelayedCall
from twisted.internet.protocol import ProcessProtocol
from twisted.python.failure import Failure

from hyperhive.agent.runner import GRACE
from hyperhive.agent.sessions import how_ended, in_own_session, send_signal
from hyperhive.wire.fields import BODY_BYTES
from hyperhive.wire.records import Letter


class CommandFailed(Exception):
    """The command did not do its work; the text says why and follows the words "the command"."""


class Command:
    """A program and its arguments, to be run without a shell."""

    def __init__(self, reactor: Any, words: Sequence[str]) -> None:
        self._reactor = reactor
        self._words = words

    def run(self, letter: Letter, hear: Callable[[str], None]) -> Run:
        """Start the command on a message; `hear` is given its output line by line.

        Raises CommandFailed if it can't be started.
        """
        if shutil.which(self._words[0]) is None:
            raise CommandFailed(f"{self._words[0]!r} is not there, or may not be run")
        run = Run(self._reactor, letter.body.encode(), hear)
        words = in_own_session(self._words)
        try:
            self._reactor.spawnProcess(run, words[0], words, environment(letter), childFDs={0: "w", 1: "r", 2: 2})
        except OSError as error:
            raise CommandFailed(f"could not be started: {error.strerror}") from error
        return run


def environment(letter: Letter) -> dict[bytes, bytes]:
    """Our own environment and what the command should know of the message beside its body."""
    ours = {
        b"HIVE_FROM": letter.sender.encode(),
        b"HIVE_MESSAGE_ID": b"%d" % letter.id,
        b"HIVE_REDELIVERED": b"1" if letter.redelivered else None,
        b"HIVE_VIA": None if letter.via is None else letter.via.encode(),
        b"HIVE_IN_REPLY_TO": None if letter.in_reply_to is None else b"%d" % letter.in_reply_to,
    }
    inherited = {name: value for name, value in os.environb.items() if name not in ours}
    return inherited | {name: value for name, value in ours.items() if value is not None}


class Run(ProcessProtocol):
    """One run of the command; `output` fires with what it wrote, or fails with CommandFailed."""

    transport: Any

    def __init__(self, reactor: Any, body: bytes, hear: Callable[[str], None]) -> None:
        self.output: Deferred[str] = Deferred(lambda _: self.end())
        self._reactor = reactor
        self._body = body
        self._written = bytearray()
        self._hear = hear
        self._line = b""
        self._ending = False
        self._deadline: IDelayedCall | None = None

    def end(self) -> None:
        """SIGTERM to all that the command started; SIGKILL to what is left once it is over, or has had its grace."""
        self._ending = True
        self._signal(signal.SIGTERM)
        self._set_deadline()

    def connectionMade(self) -> None:
        """Hand over the body."""
        self._pid = self.transport.pid
        self.transport.write(self._body)
        self.transport.closeStdin()

    def outReceived(self, data: bytes) -> None:
        """Keep what may become a reply; a command that writes more than fits into one is ended."""
        room = BODY_BYTES + 1 - len(self._written)
        self._written += data[:room]
        *lines, self._line = (self._line + data[:room]).split(b"\n")
        for line in lines:
            self._hear(line.decode(errors="replace"))
        if len(self._written) > BODY_BYTES and not self._ending:
            self.end()

    def processExited(self, reason: Failure) -> None:
        """The command has ended. What it left behind may hold its output open for the grace time, not for ever."""
        self._set_deadline()

    def processEnded(self, reason: Failure) -> None:
        """The command has ended, and no more output comes."""
        if self._deadline is not None and self._deadline.active():
            self._deadline.cancel()
        if self._ending:
            self._signal(signal.SIGKILL)
        if self.output.called:
            return
        if self._line:
            self._hear(self._line.decode(errors="replace"))
        try:
            self.output.callback(judged(reason, bytes(self._written)))
        except CommandFailed as failed:
            self.output.errback(failed)

    def _set_deadline(self) -> None:
        if self._deadline is None:
            self._deadline = self._reactor.callLater(GRACE, self._give_up)

    def _give_up(self) -> None:
        if self._ending:
            self._signal(signal.SIGKILL)
        self.transport.loseConnection()

    def _signal(self, number: signal.Signals) -> None:
        send_signal(self.transport, self._pid, number)


def judged(reason: Failure, written: bytes) -> str:
    """What a command that ended so has to say. Raises CommandFailed."""
    if len(written) > BODY_BYTES:
        raise CommandFailed(f"wrote more than the {BODY_BYTES} bytes that a message holds")
    if isinstance(reason.value, ProcessTerminated):
        raise CommandFailed(how_ended(reason))
    try:
        return written.decode()
    except UnicodeDecodeError:
        raise CommandFailed("wrote what is not UTF-8") from None
