"""The runner: one process of the CLI, kept between turns, ended when idle for long, and resumed by its session."""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Callable
from typing import Any, ClassVar, Final

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.interfaces import IDelayedCall
from twisted.logger import Logger
from zope.interface import implementer

from hyperhive.agent.claude.memory import RUN, SESSION, TOKEN, Remembered
from hyperhive.agent.claude.process import Line, Process
from hyperhive.agent.claude.remains import end_all
from hyperhive.agent.claude.settings import MARK, Settings, command, environment
from hyperhive.agent.claude.stream import NoSession, Reading
from hyperhive.agent.claude.turn import Turn
from hyperhive.agent.runner import IRunner, NotLoggedIn, NotShortened, Prompt, Result, TurnError
from hyperhive.agent_config import CLAUDE
from hyperhive.wire.turns import Usage

INTERRUPT_GRACE: Final = 2.0
"""Seconds that the CLI has to stop its turn by itself, and to note that in its session."""
INTERRUPT: Final = {"type": "control_request", "request_id": "cancel", "request": {"subtype": "interrupt"}}
COMPACT: Final = "/compact"


@implementer(IRunner)
class ClaudeRunner:
    """Does turns by the CLI `claude`. The agent sends its replies itself, with its tools."""

    kind = CLAUDE
    _log: ClassVar[Logger] = Logger()

    def __init__(self, reactor: Any, settings: Settings) -> None:
        self._reactor = reactor
        self._settings = settings
        self._session = Remembered(settings.state / SESSION)
        self._token = Remembered(settings.credentials / TOKEN)
        self._run = Remembered(settings.state / RUN)
        self._chosen: str | None = None
        self._seen: str | None = None
        self._forgot = False
        self._process: Process | None = None
        self._begun = self._outdated = self._renewed = False
        self._turn: Turn | None = None
        self._idle: IDelayedCall | None = None

    @property
    def model(self) -> str | None:
        """The one that was chosen or configured, or the one that it said it works with."""
        return self._chosen or self._settings.model or self._seen

    async def turn(self, prompt: Prompt, hear: Callable[[str], None]) -> Result:
        """Do one turn, in a new session where the old one can't be gone on with. Raises TurnError."""
        usage = await self._ask(prompt.text, hear)
        forgot, self._forgot = self._forgot, False
        return Result(usage=usage, forgot=forgot)

    async def compact(self, hear: Callable[[str], None]) -> Usage:
        """Have the CLI put a summary in the place of what it has in its context. Raises TurnError.

        That it did is known by its event `compact_boundary` alone.
        """
        if self._session.get() is None:
            return Usage()
        forgot, self._forgot = self._forgot, False
        try:
            usage = await self._ask(COMPACT, hear)
            if not self._forgot:
                raise NotShortened("the context was not shortened: claude ended without saying that it was", usage)
        except TurnError:
            self._forgot |= forgot
            raise
        self._forgot = False
        return usage

    def cancel(self) -> None:
        """Interrupt the turn, and end the process with all that it started, whether it has listened or not."""
        if self._turn is None or self._turn.cancelled:
            return
        if self._process is not None:
            self._process.tell(INTERRUPT)
        self._turn.cancel(INTERRUPT_GRACE)

    def use_model(self, model: str | None) -> None:
        """The session is resumed with that model."""
        self._chosen = model
        self._outdated = True

    def renew_session(self) -> None:
        """The old session stays on disk, but is not gone on with."""
        self._session.set(None)
        self._outdated = self._renewed = True

    def use_token(self, token: str | None) -> None:
        """The session is resumed with that token: one of `claude setup-token`, or an API key."""
        self._token.set(token)
        self._outdated = True

    async def close(self) -> None:
        """Cancel what is under way, and let the process end by itself if it can."""
        self.cancel()
        if self._process is not None:
            await self._leave(self._process)
            self._end_remains()

    async def _ask(self, text: str, hear: Callable[[str], None]) -> Usage:
        """Ask for a turn; the same once more in a new session, where the old one can't be resumed."""
        session = self._session.get()
        turn = self._turn = Turn(self._reactor, hear, self._settings.turn_seconds)
        try:
            try:
                return await self._once(turn, text, session)
            except NoSession as gone:
                self._log.warn("session {id} can't be resumed ({why}); a new one begins", id=session, why=gone)
                self._forgot = True
                return await self._once(turn, text, None)
        finally:
            turn.stop()
            self._turn = None
            if self._process is not None:
                self._idle = self._reactor.callLater(self._settings.idle_seconds, self._end_idle, self._process)

    async def _once(self, turn: Turn, text: str, session: str | None) -> Usage:
        process = await self._ready(session)
        fresh = process is not self._process
        reading = Reading(session if fresh else None, fresh=fresh)
        self._process = process
        outcome = turn.begin(reading)
        process.tell({"type": "user", "message": {"role": "user", "content": text}})
        try:
            return await outcome
        except (TurnError, CancelledError) as error:
            if turn.cancelled or not turn.over or isinstance(error, NotLoggedIn | NoSession):
                await process.end()
                self._end_remains()
            raise
        finally:
            self._seen = reading.model or self._seen
            self._forgot |= reading.forgot
            if reading.session is not None and not self._renewed:
                self._session.set(reading.session)

    async def _ready(self, session: str | None) -> Process:
        """A process that waits for a line: the one that is there, or a new one that goes on with that session."""
        self._wait_no_more()
        if self._process is not None and self._outdated:
            await self._process.leave()
        return self._process or self._start(session)

    def _start(self, session: str | None) -> Process:
        settings = self._settings
        if shutil.which(settings.program, path=settings.environment.get("PATH")) is None:
            raise TurnError(f"claude is not there: PATH leads to no program '{settings.program}' that may be run")
        if not self._begun:  # whoever used this state before us may have been killed
            self._end_remains()
        self._begun, self._outdated, self._renewed = True, False, False
        mark = uuid.uuid4().hex
        self._run.set(mark)
        process = Process(self._reactor, self._line, self._gone)
        words = command(settings, self._chosen or settings.model, session, mark)
        try:
            process.start(words, environment(settings, self._token.get(), mark), str(settings.directory))
        except OSError as error:
            raise TurnError(f"claude could not be started: {error.strerror}") from error
        return process

    def _line(self, line: Line) -> None:
        if self._turn is not None:
            self._turn.line(line)

    def _gone(self) -> None:
        process, self._process = self._process, None
        self._wait_no_more()
        if process is not None and self._turn is not None:
            self._turn.gone(process)
        elif process is not None and not self._outdated:
            self._log.warn("claude {how} between two turns", how=process.how)

    def _end_idle(self, process: Process) -> None:
        ended = self._leave(process)
        ended.addCallback(lambda _: self._log.info("claude had nothing to do and has been ended; mail starts it again"))

    def _leave(self, process: Process) -> Deferred[None]:
        """Have it end by itself; the next turn waits for that, and begins with another one."""
        self._outdated = True
        self._wait_no_more()
        return process.leave()

    def _wait_no_more(self) -> None:
        if self._idle is not None and self._idle.active():
            self._idle.cancel()

    def _end_remains(self) -> None:
        """End what the last process has started and left behind; its tools run in sessions of their own."""
        mark = self._run.get()
        if mark is not None and (left := end_all(MARK, mark)):
            self._log.warn("claude had left {left} processes behind, which were killed", left=left)
