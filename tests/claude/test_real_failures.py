"""What goes wrong with the real CLI: cancelled, killed, refused, not logged in, a context that is too long."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import orjson
import pytest
from twisted.internet.defer import Deferred
from twisted.internet.utils import getProcessOutputAndValue

from hyperhive.agent.claude.runner import ClaudeRunner
from hyperhive.agent.runner import Cancelled, Limited, NotLoggedIn, PromptTooLong, TurnError
from tests.claude.api import MessagesApi
from tests.claude.conftest import Log, Make, about, failure, offline, running, unheard
from tests.claude.script import (
    OVERLOADED,
    TOO_LONG,
    UNKNOWN_KEY,
    Answer,
    Asked,
    Call,
    Hangs,
    Script,
    Text,
    echo,
    rate_limited,
    says,
    used_up,
)

OAUTH = "sk-ant-oat01-dummy"


class Stuck:
    """A model that runs a command which waits for ever; `reached` fires when the command runs."""

    def __init__(self, home: Path) -> None:
        self._home = home
        os.mkfifo(home / "gate")

    def __call__(self, asked: Asked) -> Answer:
        return (
            echo(asked) if "wait" not in asked.text else says(Call("Bash", {"command": "echo > gate; read x < gate"}))
        )

    async def reached(self) -> None:
        """Wait until the command runs."""
        gate = await getProcessOutputAndValue("/usr/bin/head", ["-n1", str(self._home / "gate")])
        assert gate[0] == b"\n"


async def test_a_cancelled_turn_ends_its_tools_and_the_session_goes_on(
    runner: ClaudeRunner, api: MessagesApi, home: Path
) -> None:
    stuck = Stuck(home)
    api.use(stuck)
    first = Deferred.fromCoroutine(failure(runner.turn(about("wait"), unheard)))
    await stuck.reached()
    runner.cancel()
    cancelled = await first
    assert type(cancelled) is Cancelled
    assert running(home) == []
    result = await runner.turn(about("go on"), unheard)
    assert result.usage.session == cancelled.usage.session
    assert "wait" in api.asked[-1].everything


async def test_a_turn_is_cancelled_while_the_model_speaks(runner: ClaudeRunner, api: MessagesApi) -> None:
    api.use([Hangs([Text("Once upon a time")])])
    turn = Deferred.fromCoroutine(failure(runner.turn(about("it"), unheard)))
    await api.until(lambda: api.asked)
    runner.cancel()
    assert type(await turn) is Cancelled


async def test_one_that_is_killed_in_its_turn_leaves_no_tool_behind(
    runner: ClaudeRunner, api: MessagesApi, home: Path, claude: Path, log: Log
) -> None:
    stuck = Stuck(home)
    api.use(stuck)
    turn = Deferred.fromCoroutine(failure(runner.turn(about("wait"), unheard)))
    await stuck.reached()
    (pid,) = [pid for pid in running(home) if Path(f"/proc/{pid}/exe").samefile(claude)]
    os.kill(pid, signal.SIGKILL)
    assert str(await turn) == "claude was killed by SIGKILL in the middle of the turn"
    assert running(home) == []
    assert [line for line in log.lines if "left" in line and "behind" in line]
    await runner.turn(about("go on"), unheard)
    assert "wait" in api.asked[-1].everything


@pytest.mark.parametrize(
    ("script", "kind", "asked"),
    [
        ([UNKNOWN_KEY], NotLoggedIn, 1),
        ([rate_limited(4_102_444_800, 600)], Limited, 1),
        ([TOO_LONG], PromptTooLong, 1),
        ([OVERLOADED], TurnError, 3),
    ],
)
async def test_what_the_provider_refuses_is_told_apart(
    runner: ClaudeRunner, api: MessagesApi, script: Script, kind: type[TurnError], asked: int
) -> None:
    api.use(script)
    assert type(await failure(runner.turn(about("it"), unheard))) is kind
    assert len(api.asked) == asked


async def test_a_subscription_that_is_used_up_says_until_when(runner: ClaudeRunner, api: MessagesApi) -> None:
    runner.use_token(OAUTH)
    api.use([used_up(4_102_444_800, 7200), says("Here I am again.")])
    limited = await failure(runner.turn(about("it"), unheard))
    assert isinstance(limited, Limited)
    assert limited.until == 4_102_444_800
    await runner.turn(about("it"), unheard)


async def test_who_is_not_logged_in_goes_on_once_a_token_is_given(
    make: Make, claude: Path, api: MessagesApi, home: Path
) -> None:
    runner = make(claude, environment={**offline(api, home), "ANTHROPIC_API_KEY": ""})
    assert type(await failure(runner.turn(about("it"), unheard))) is NotLoggedIn
    assert api.asked == []
    runner.use_token(OAUTH)
    await runner.turn(about("it"), unheard)
    assert api.asked[0].headers["authorization"] == f"Bearer {OAUTH}"
    runner.use_token("sk-ant-api03-dummy")
    await runner.turn(about("it"), unheard)
    assert api.asked[1].headers["x-api-key"] == "sk-ant-api03-dummy"


async def test_who_logs_in_with_another_claude_in_the_home_is_logged_in(
    make: Make, claude: Path, api: MessagesApi, home: Path
) -> None:
    runner = make(claude, environment={**offline(api, home), "ANTHROPIC_API_KEY": ""})
    assert type(await failure(runner.turn(about("it"), unheard))) is NotLoggedIn
    login = {"accessToken": OAUTH, "refreshToken": None, "expiresAt": 4_102_444_800_000, "scopes": ["user:inference"]}
    (home / ".claude").mkdir(exist_ok=True)
    (home / ".claude" / ".credentials.json").write_bytes(orjson.dumps({"claudeAiOauth": login}))
    await runner.turn(about("it"), unheard)
    assert api.asked[0].headers["authorization"] == f"Bearer {OAUTH}"


async def test_a_context_is_shortened_to_a_summary(runner: ClaudeRunner, api: MessagesApi) -> None:
    api.use([says("First."), says("Second."), says("<summary>It was good.</summary>"), says("Third.")])
    first = await runner.turn(about("the first thing"), unheard)
    await runner.turn(about("the second thing"), unheard)
    usage = await runner.compact(unheard)
    assert usage.session == first.usage.session
    assert usage.output_tokens is not None
    await runner.turn(about("the third thing"), unheard)
    assert "It was good." in api.asked[3].everything
    assert "the first thing" not in api.asked[3].everything


async def test_a_context_that_can_not_be_shortened_is_a_failure(runner: ClaudeRunner, api: MessagesApi) -> None:
    api.use([says("First."), TOO_LONG])
    await runner.turn(about("it"), unheard)
    assert str(await failure(runner.compact(unheard))).startswith("the context could not be shortened: ")


async def test_a_turn_is_cancelled_before_the_process_has_begun(
    runner: ClaudeRunner, api: MessagesApi, home: Path
) -> None:
    turn = Deferred.fromCoroutine(failure(runner.turn(about("it"), unheard)))
    runner.cancel()
    assert type(await turn) is Cancelled
    assert running(home) == []
    await runner.turn(about("again"), unheard)


async def test_closing_in_a_turn_cancels_it(runner: ClaudeRunner, api: MessagesApi, home: Path) -> None:
    stuck = Stuck(home)
    api.use(stuck)
    turn = Deferred.fromCoroutine(failure(runner.turn(about("wait"), unheard)))
    await stuck.reached()
    await runner.close()
    assert type(await turn) is Cancelled
    assert running(home) == []
