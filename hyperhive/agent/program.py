"""`hive-agent serve` as a whole: its log, its parts, and how it ends."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from datetime import datetime
from typing import Any, ClassVar, Final

from twisted.internet.defer import CancelledError, Deferred, succeed
from twisted.logger import FileLogObserver, LogEvent, Logger, LogLevel, eventAsText, globalLogBeginner
from twisted.python.failure import Failure

from hyperhive.agent.command import GRACE, Command
from hyperhive.agent.link import Link
from hyperhive.agent.serving import Serving
from hyperhive.protocols.asker import WrongSocket

SETTLING: Final = 3.0
"""Seconds that the daemon has, once the command has ended, to hear what became of the mail in hand."""

NO_RUNNER: Final = (
    "no runner is configured, so mail stays where it is; name one as runner_command under [agent]"
    " in the daemon's configuration file"
)


def serve(path: str, words: Sequence[str]) -> int:
    """Serve the socket at `path` with that command until a signal says stop; the exit status."""
    from twisted.internet import reactor as installed

    reactor: Any = installed

    globalLogBeginner.beginLoggingTo([FileLogObserver(sys.stderr, line)], redirectStandardIO=False)
    agent = Agent(reactor, path, words)
    reactor.callWhenRunning(agent.start)
    reactor.addSystemEventTrigger("before", "shutdown", lambda: Deferred.fromCoroutine(agent.stop()))
    reactor.run()
    return agent.status


def line(event: LogEvent) -> str | None:
    """An event of ours, or a warning of anybody's, as a line with the time."""
    if not event["log_namespace"].startswith("hyperhive.") and event["log_level"] < LogLevel.warn:
        return None
    time = datetime.fromtimestamp(event["log_time"]).astimezone()
    return f"{time:%Y-%m-%d %H:%M:%S} {eventAsText(event, includeTimestamp=False, includeSystem=False)}\n"


class Agent:
    """The line to the daemon, and the work if there is a command for it. `status` is what to exit with."""

    _log: ClassVar[Logger] = Logger()

    def __init__(self, reactor: Any, path: str, words: Sequence[str]) -> None:
        self._reactor = reactor
        self._link = Link(reactor, path)
        self._serving = Serving(reactor, self._link, Command(reactor, words)) if words else None
        self._served: Deferred[None] = succeed(None)
        self.status = 0

    def start(self) -> None:
        """Connect and take mail."""
        self._link.start().addErrback(self._crash)
        if self._serving is None:
            self._log.warn(NO_RUNNER)
            return
        self._served = Deferred.fromCoroutine(self._serving.serve())
        self._served.addErrback(lambda failure: failure.trap(CancelledError) and None).addErrback(self._crash)

    async def stop(self) -> None:
        """Put back what is in hand and disconnect; takes no longer than the grace times together."""
        if self._serving is not None:
            self._serving.stop()
        await self._served.addTimeout(GRACE + SETTLING, self._reactor)
        await self._link.stop()

    def _crash(self, failure: Failure) -> None:
        if failure.check(WrongSocket):
            self._log.error("{error}", error=failure.value)
        else:
            self._log.failure("hive-agent has a fault and stops", failure)
        self.status = 1
        self._reactor.stop()
