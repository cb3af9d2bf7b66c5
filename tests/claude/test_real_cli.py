"""The runner with the real CLI, which speaks to a stand-in of the provider's API."""

from __future__ import annotations

from pathlib import Path

from hyperhive.agent.claude.runner import ClaudeRunner
from tests.claude.api import MessagesApi
from tests.claude.conftest import Make, about, offline, unheard
from tests.claude.script import Answer, Asked, Call, says
from tests.claude.server import COMMAND


async def test_a_warm_turn_is_done_by_the_same_process_and_the_same_session(
    runner: ClaudeRunner, api: MessagesApi
) -> None:
    heard: list[str] = []
    first = await runner.turn(about("one"), heard.append)
    second = await runner.turn(about("two"), heard.append)
    assert first.usage.session == second.usage.session is not None
    assert [line for line in heard if "heard 2" in line]
    assert [line for line in heard if "heard 4" in line]
    assert len(api.asked) == 2


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
    assert api.asked[1].results == ["HELLO"]
    assert (result.usage.output_tokens, result.usage.context_tokens) == (14, 112)
