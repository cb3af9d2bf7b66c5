"""`hive-agent serve` as a whole: its log, its parts, and how it ends."""

from __future__ import annotations

import secrets
import sys
from collections.abc import Mapping
from datetime import datetime
from typing import Any, ClassVar, Final

from twisted.internet.defer import CancelledError, Deferred, succeed
from twisted.logger import FileLogObserver, LogEvent, Logger, LogLevel, eventAsText, globalLogBeginner
from twisted.python.failure import Failure

from hyperhive.agent.link import Link
from hyperhive.agent.login_watch import LoginWatch
from hyperhive.agent.loop import Loop
from hyperhive.agent.prompting import Prompts
from hyperhive.agent.runner import GRACE
from hyperhive.agent.runners import NoRunner, make_runner
from hyperhive.agent.setbacks import LONGEST_STAGGER, Setbacks
from hyperhive.agent.settings import SETTLING, Settings
from hyperhive.agent.working import Working
from hyperhive.protocols.asker import WrongSocket

NO_RUNNER: Final = (
    "no runner is configured, so mail stays where it is; name one as runner_command under [agent]"
    " in the daemon's configuration file"
)


def serve(path: str, settings: Settings, environment: Mapping[str, str]) -> int:
    """Serve the socket at `path` until a signal says stop; the exit status."""
    from twisted.internet import reactor as installed

    reactor: Any = installed

    globalLogBeginner.beginLoggingTo([FileLogObserver(sys.stderr, line)], redirectStandardIO=False)
    agent = Agent(reactor, path, settings, environment)
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
    """The lines to the daemon, and the loop if there is a runner for it. `status` is what to exit with."""

    _log: ClassVar[Logger] = Logger()

    def __init__(self, reactor: Any, path: str, settings: Settings, environment: Mapping[str, str]) -> None:
        self._reactor = reactor
        self._settings = settings
        self._environment = {**environment, "HIVE_SOCKET": path}
        self._link = Link(reactor, path)
        self._listening = Link(reactor, path, silent=True)
        self._loop: Loop | None = None
        self._served: Deferred[None] = succeed(None)
        self.status = 0

    def start(self) -> None:
        """Connect and take mail."""
        self._link.start().addErrback(self._crash)
        if self._settings.kind is None:
            self._log.warn(NO_RUNNER)
            return
        self._served = Deferred.fromCoroutine(self._serve())
        self._served.addErrback(lambda failure: failure.trap(CancelledError) and None).addErrback(self._crash)

    async def stop(self) -> None:
        """Put back what is in hand and disconnect; takes no longer than the grace times together."""
        grace = self._settings.grace
        if self._loop is None:
            self._served.cancel()
        else:
            self._loop.stop(grace)
        await self._served.addTimeout(grace + GRACE + SETTLING, self._reactor)
        await self._listening.stop()
        await self._link.stop()

    async def _serve(self) -> None:
        me = await self._link.whoami()
        self._listening.start().addErrback(self._crash)
        prompts = Prompts(places=self._environment)
        runner = make_runner(self._reactor, self._settings, self._environment, prompts.system(me))
        self._loop = Loop(
            self._reactor,
            self._link,
            self._listening,
            runner,
            Working(self._link, runner, prompts),
            setbacks=Setbacks(self._reactor, stagger),
            login=LoginWatch(self._reactor, self._settings.login),
            context_tokens=self._settings.context_tokens,
        )
        await self._loop.serve()

    def _crash(self, failure: Failure) -> None:
        if self.status:
            return  # it is stopping already
        if failure.check(WrongSocket, NoRunner):
            self._log.error("{error}", error=failure.value)
        else:
            self._log.failure("hive-agent has a fault and stops", failure)
        self.status = 1
        self._reactor.stop()


def stagger() -> float:
    """A number of seconds that is another one for every agent, and each time."""
    return secrets.randbelow(int(LONGEST_STAGGER * 1000) + 1) / 1000
