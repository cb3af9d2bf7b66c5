"""What the tests of the runner share: the stand-in, the real CLI, and a runner around it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any

import pytest
import pytest_twisted
from twisted.internet.defer import Deferred
from twisted.logger import ILogObserver, LogEvent, formatEvent, globalLogPublisher
from zope.interface import implementer

from hyperhive.agent.claude.runner import ClaudeRunner
from hyperhive.agent.claude.settings import Settings
from hyperhive.agent.runner import Prompt
from tests.claude.api import MessagesApi
from tests.claude.install import required
from tests.claude.script import echo

Make = Callable[..., ClaudeRunner]


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


SERVER = [sys.executable, "-I", "-S", str(Path(__file__).with_name("server.py"))]
"""A tiny MCP server."""


@pytest.fixture
def said() -> Generator[list[str]]:
    """The runner's log, line by line."""
    lines: list[str] = []

    @implementer(ILogObserver)
    def observe(event: LogEvent) -> None:
        if event["log_namespace"].startswith("hyperhive.agent"):
            lines.append(formatEvent(event))

    globalLogPublisher.addObserver(observe)
    yield lines
    globalLogPublisher.removeObserver(observe)
