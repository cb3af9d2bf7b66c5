"""What the tests of the runner share: the stand-in, the real CLI, and a runner around it."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Generator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import pytest_twisted
from twisted.internet.defer import Deferred
from twisted.logger import ILogObserver, LogEvent, formatEvent, globalLogPublisher
from zope.interface import implementer

from hyperhive.agent.claude.runner import ClaudeRunner
from hyperhive.agent.claude.settings import Settings
from hyperhive.agent.runner import Prompt, TurnError
from tests.claude.api import MessagesApi
from tests.claude.install import required
from tests.claude.script import echo

Make = Callable[..., ClaudeRunner]
Program = Callable[[str], Path]
RESULT = '{"type":"result","is_error":false,"num_turns":1}'
INIT = '{"type":"system","subtype":"init","session_id":"s-1","model":"m-1"}'
"""What the shortest of turns writes."""


@pytest.fixture
def reactor() -> Any:
    from twisted.internet import reactor

    return reactor


@pytest.fixture
def claude() -> Path:
    """The real CLI."""
    return required()


@pytest.fixture
def api(reactor: Any) -> Generator[MessagesApi]:
    """The stand-in, with a model that says how much it has heard until a test has another one."""
    started = Deferred.fromCoroutine(MessagesApi.started(reactor, echo))
    api: MessagesApi = pytest_twisted.blockon(started)
    yield api
    pytest_twisted.blockon(Deferred.fromCoroutine(api.stop()))


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home that nobody has used."""
    home = tmp_path / "home"
    home.mkdir()
    return home


@pytest.fixture
def make(reactor: Any, tmp_path: Path, home: Path) -> Generator[Make]:
    """Makes runners in the home; they are closed after the test."""
    runners: list[ClaudeRunner] = []

    def make(program: Path | str, **changes: Any) -> ClaudeRunner:
        given = {
            "state": tmp_path / "state",
            "credentials": tmp_path / "credentials",
            "directory": home,
            "program": str(program),
            "environment": {"PATH": "/usr/bin:/bin", "HOME": str(home)},
        }
        runners.append(ClaudeRunner(reactor, Settings(**{**given, **changes})))
        return runners[-1]

    yield make
    for runner in runners:
        pytest_twisted.blockon(Deferred.fromCoroutine(runner.close()))


@pytest.fixture
def runner(make: Make, claude: Path, api: MessagesApi, home: Path) -> ClaudeRunner:
    """A runner with the real CLI, which speaks to the stand-in."""
    return make(claude, environment=offline(api, home))


def offline(api: MessagesApi, home: Path) -> dict[str, str]:
    """All that the real CLI is to see of the world."""
    return {
        "PATH": "/usr/bin:/bin",
        "HOME": str(home),
        "ANTHROPIC_BASE_URL": api.url,
        "ANTHROPIC_API_KEY": "dummy",
        "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
    }


def about(text: str) -> Prompt:
    """A turn about that."""
    return Prompt(text=text)


def unheard(_: str) -> None:
    """For a turn whose stream nobody looks at."""


class Log:
    """What the runner logs, line by line."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self._waiting: list[tuple[str, Deferred[None]]] = []

    async def until(self, words: str) -> None:
        """Wait until a line has them."""
        if not any(words in line for line in self.lines):
            waiting: Deferred[None] = Deferred()
            self._waiting.append((words, waiting))
            await waiting

    def add(self, line: str) -> None:
        """A line was logged."""
        self.lines.append(line)
        for words, waiting in [one for one in self._waiting if one[0] in line]:
            self._waiting.remove((words, waiting))
            waiting.callback(None)


@pytest.fixture
def log() -> Generator[Log]:
    """The runner's log."""
    log = Log()

    @implementer(ILogObserver)
    def observe(event: LogEvent) -> None:
        if event["log_namespace"].startswith("hyperhive.agent"):
            log.add(formatEvent(event))

    globalLogPublisher.addObserver(observe)
    yield log
    globalLogPublisher.removeObserver(observe)


def running(home: Path) -> list[int]:
    """Every process that lives and has that home."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if f"HOME={home}".encode() in (entry / "environ").read_bytes().split(b"\0"):
                found.append(int(entry.name))
    return found


async def failure(turn: Coroutine[Deferred[Any], Any, Any]) -> TurnError:
    """Why a turn fails."""
    with pytest.raises(TurnError) as raised:
        await turn
    return raised.value


@pytest.fixture
def program(tmp_path: Path) -> Program:
    """Makes a program of a shell script."""

    def make(script: str) -> Path:
        path = tmp_path / "claude"
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)
        return path

    return make
