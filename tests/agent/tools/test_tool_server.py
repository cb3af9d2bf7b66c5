"""The tool server where the daemon does not answer as it should: what a model is told all the same."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import mcp_types as types
import pytest
from mcp.shared.exceptions import MCPError

from hyperhive.agent.tools.link import Link
from hyperhive.agent.tools.server import ToolServer
from hyperhive.wire import responses
from tests.agent.tools.clients import run
from tests.agent.tools.test_link import listening

ALICE = responses.Identity("alice", "agent", "testhive", 3)
AWAY = "the hive's daemon has been away for 0.01 seconds (No such file or directory), so nothing was done"


async def call(server: ToolServer, tool: str, **arguments: Any) -> tuple[str, bool]:
    result = await server.call_tool(
        SimpleNamespace(request_id=1), types.CallToolRequestParams(name=tool, arguments=arguments)
    )
    (content,) = result.content
    assert isinstance(content, types.TextContent)
    return content.text, result.is_error


def told(path: Path, answers: list[Any], tool: str, **arguments: Any) -> tuple[str, bool]:
    """What came of a call, where the daemon answers so."""

    async def story() -> tuple[str, bool]:
        async with listening(path, answers):
            return await call(ToolServer(Link(str(path))), tool, **arguments)

    text: tuple[str, bool] = run(story())
    return text


def test_a_call_while_the_daemon_is_away_is_an_error(tmp_path: Path) -> None:
    text, failed = run(call(ToolServer(Link(str(tmp_path / "sock"), 0.01)), "whoami"))
    assert failed
    assert text == f"{AWAY}; try again later\nIt is not known how much mail waits."


def test_tools_cannot_be_listed_while_the_daemon_is_away(tmp_path: Path) -> None:
    with pytest.raises(MCPError, match="the hive's daemon has been away"):
        run(ToolServer(Link(str(tmp_path / "sock"), 0.01)).list_tools(None, None))


def test_what_was_done_stays_done_where_the_count_of_mail_is_lost(tmp_path: Path) -> None:
    answers = [ALICE, responses.Ok(id=4), None]
    text = "Message 4 to bob is taken in.\nIt is not known how much mail waits."
    assert told(tmp_path / "sock", answers, "send", to="bob", body="hello") == (text, False)


def test_a_daemon_that_refuses_to_say_who_we_are_is_told_in_its_words(tmp_path: Path) -> None:
    answers = [responses.Err("64 connections are open")]
    text = "64 connections are open\nIt is not known how much mail waits."
    assert told(tmp_path / "sock", answers, "send", to="bob", body="hello") == (text, True)


def test_who_we_are_is_asked_once(tmp_path: Path) -> None:
    async def story() -> None:
        async with listening(
            tmp_path / "sock", [ALICE, responses.Ok(), responses.Status(0), responses.Ok(), responses.Status(2)]
        ):
            server = ToolServer(Link(str(tmp_path / "sock")))
            assert await call(server, "set_status", text="reading") == ("Your status is set.\nNo mail waits.", False)
            assert await call(server, "set_status", text="x") == ("Your status is set.\n2 more messages wait.", False)

    run(story())
