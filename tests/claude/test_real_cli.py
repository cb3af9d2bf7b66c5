"""The runner with the real CLI, which speaks to a stand-in of the provider's API."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import orjson
import pytest
from twisted.internet.utils import getProcessOutputAndValue

from hyperhive.agent.claude.memory import SESSION
from hyperhive.agent.claude.runner import ClaudeRunner
from hyperhive.agent.claude.settings import NEVER
from tests.claude.api import MessagesApi
from tests.claude.conftest import Log, Make, about, offline, running, unheard
from tests.claude.script import (
    Answer,
    Asked,
    Call,
    echo,
    says,
)
from tests.claude.server import COMMAND


def test_the_real_claude_is_there_where_it_may_not_be_missing(claude: Path) -> None:
    assert claude.is_file()


async def test_a_warm_turn_is_done_by_the_same_process_in_the_same_session(
    runner: ClaudeRunner, api: MessagesApi, home: Path
) -> None:
    heard: list[str] = []
    first = await runner.turn(about("one"), heard.append)
    processes = running(home)
    second = await runner.turn(about("two"), heard.append)
    assert running(home) == processes
    assert first.usage.session == second.usage.session is not None
    assert [orjson.loads(line)["result"] for line in heard if '"type":"result"' in line] == ["heard 2", "heard 4"]
    assert runner.model == first.usage.model == api.asked[0].body["model"]
    assert api.others == []


async def test_the_model_calls_a_tool_of_the_servers_that_were_configured(
    make: Make, claude: Path, api: MessagesApi, home: Path
) -> None:
    def model(asked: Asked) -> Answer:
        return says("it said", *asked.results) if asked.results else says(Call("mcp__hive__shout", {"text": "hello"}))

    api.use(model)
    servers = {"hive": {"command": COMMAND[0], "args": COMMAND[1:]}}
    runner = make(claude, environment=offline(api, home), servers=servers, tools=[])
    result = await runner.turn(about("shout"), unheard)
    assert "mcp__hive__shout" in api.asked[0].tools
    assert "Bash" not in api.asked[0].tools
    assert api.asked[1].results == ["HELLO"]
    assert (result.usage.output_tokens, result.usage.context_tokens) == (14, 112)


@pytest.mark.parametrize("tools", [None, ["Bash"], ["Read", "Bash(echo *)", "Bash(tee made, again)"]])
async def test_a_tool_is_used_as_the_list_allows(
    make: Make, claude: Path, api: MessagesApi, home: Path, tools: Sequence[str] | None
) -> None:
    api.use(
        lambda asked: echo(asked) if asked.results else says(Call("Bash", {"command": "echo done | tee made, again"}))
    )
    await make(claude, environment=offline(api, home), tools=tools).turn(about("it"), unheard)
    assert api.asked[1].results == ["done"]


@pytest.mark.parametrize(("tools", "offered"), [(["Read"], ["Read"]), (["Read", "Bash(true)"], ["Bash", "Read"])])
async def test_a_tool_is_not_used_but_as_the_list_allows(
    make: Make, claude: Path, api: MessagesApi, home: Path, tools: Sequence[str], offered: Sequence[str]
) -> None:
    api.use(lambda asked: echo(asked) if asked.results else says(Call("Bash", {"command": "touch made"})))
    await make(claude, environment=offline(api, home), tools=tools).turn(about("it"), unheard)
    assert [name for name in api.asked[0].tools if name in {"Bash", "Edit", "Read", "Write"}] == offered
    assert not (home / "made").exists()


async def test_tools_that_begin_turns_of_their_own_are_not_offered_unless_named(
    runner: ClaudeRunner, api: MessagesApi
) -> None:
    await runner.turn(about("it"), unheard)
    assert {"Bash", "Edit", "Read"} <= set(api.asked[0].tools)
    assert not set(NEVER) & set(api.asked[0].tools)


async def test_the_model_the_system_prompt_and_the_settings_are_those_that_were_configured(
    make: Make, claude: Path, api: MessagesApi, home: Path
) -> None:
    (home / "prompt.txt").write_text("You are the seventh of nine.")
    (home / "settings.json").write_text('{"env": {"COLOUR": "green"}}')
    api.use(lambda asked: echo(asked) if asked.results else says(Call("Bash", {"command": "echo $COLOUR"})))
    configured = {"system_prompt": home / "prompt.txt", "settings": home / "settings.json", "model": "claude-haiku-4-5"}
    runner = make(claude, environment=offline(api, home), **configured)
    await runner.turn(about("it"), unheard)
    assert "You are the seventh of nine." in orjson.dumps(api.asked[0].body["system"]).decode()
    assert api.asked[0].body["model"] == "claude-haiku-4-5"
    assert api.asked[1].results[0].startswith("green")


async def test_another_model_goes_on_with_the_same_session(runner: ClaudeRunner, api: MessagesApi) -> None:
    await runner.turn(about("one"), unheard)
    runner.use_model("claude-haiku-4-5")
    await runner.turn(about("two"), unheard)
    assert api.asked[1].body["model"] == "claude-haiku-4-5"
    assert "one" in api.asked[1].everything


async def test_what_is_idle_is_ended_and_resumed(
    make: Make, claude: Path, api: MessagesApi, home: Path, log: Log
) -> None:
    runner = make(claude, environment=offline(api, home), idle_seconds=0.01)
    first = await runner.turn(about("one"), unheard)
    await log.until("claude had nothing to do and has been ended")
    assert running(home) == []
    second = await runner.turn(about("two"), unheard)
    assert first.usage.session == second.usage.session
    assert "one" in api.asked[1].everything


async def test_a_session_is_resumed_by_a_runner_that_was_started_later(
    make: Make, claude: Path, api: MessagesApi, home: Path
) -> None:
    first = make(claude, environment=offline(api, home))
    await first.turn(about("one"), unheard)
    await first.close()
    await make(claude, environment=offline(api, home)).turn(about("two"), unheard)
    assert "one" in api.asked[1].everything


async def test_a_session_that_has_gone_is_followed_by_a_new_one(runner: ClaudeRunner, tmp_path: Path, log: Log) -> None:
    (tmp_path / "state").mkdir()
    runner._session.set("00000000-0000-4000-8000-000000000000")
    result = await runner.turn(about("one"), unheard)
    assert (tmp_path / "state" / SESSION).read_text() == f"{result.usage.session}\n"
    assert [line for line in log.lines if "No conversation found with session ID" in line]


@pytest.mark.parametrize("options", [[], ["--continue"]], ids=["of its own", "that continues"])
async def test_a_second_claude_in_the_same_home_does_not_change_the_session(
    make: Make, claude: Path, api: MessagesApi, home: Path, log: Log, options: list[str]
) -> None:
    runner = make(claude, environment=offline(api, home), idle_seconds=0.01)
    first = await runner.turn(about("one"), unheard)
    await log.until("has been ended")
    words = ["--print", *options, "somebody else's"]
    out, err, status = await getProcessOutputAndValue(str(claude), words, offline(api, home), str(home), stdinBytes=b"")
    assert status == 0, (out, err)
    second = await runner.turn(about("two"), unheard)
    assert first.usage.session == second.usage.session
    assert "one" in api.asked[-1].everything
    assert "somebody else's" not in api.asked[-1].everything


async def test_a_renewed_session_knows_nothing_of_the_one_before(runner: ClaudeRunner, api: MessagesApi) -> None:
    first = await runner.turn(about("one"), unheard)
    runner.renew_session()
    second = await runner.turn(about("two"), unheard)
    assert first.usage.session != second.usage.session
    assert len(api.asked[0].body["messages"]) == len(api.asked[1].body["messages"])
