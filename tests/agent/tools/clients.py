"""The tool server as a client of it sees it: the SDK's own client over standard input and output."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, NamedTuple

import mcp
import mcp_types as types

from tests.daemon.client import PATIENCE

COMMAND = (sys.executable, "-m", "hyperhive.agent", "mcp")


class Reply(NamedTuple):
    """What a model is given of a call: the text, its last line apart, and whether it is an error."""

    text: str
    unread: str
    failed: bool


class Tools:
    """A tool server that runs."""

    def __init__(self, client: mcp.Client) -> None:
        self.client = client

    async def call(self, tool: str, **arguments: Any) -> Reply:
        """What came of a call."""
        result = await self.client.call_tool(tool, arguments)
        assert isinstance(result, types.CallToolResult)
        assert result.structured_content is None
        (content,) = result.content
        assert isinstance(content, types.TextContent)
        text, _, unread = content.text.rpartition("\n")
        return Reply(text, unread, result.is_error)

    async def known(self) -> dict[str, types.Tool]:
        """The tools that it lists."""
        return {tool.name: tool for tool in (await self.client.list_tools()).tools}


@asynccontextmanager
async def serving(path: Path) -> AsyncIterator[Tools]:
    """A tool server on that socket, with nothing else in its environment."""
    command, *arguments = COMMAND
    server = mcp.StdioServerParameters(command=command, args=arguments, env={"HIVE_SOCKET": str(path)})
    async with mcp.Client(mcp.stdio_client(server)) as client:
        yield Tools(client)


def run(story: Coroutine[Any, Any, Any]) -> Any:
    """Run on asyncio, for a while at most."""

    async def bounded() -> Any:
        async with asyncio.timeout(PATIENCE):
            return await story

    return asyncio.run(bounded())


def called(path: Path, tool: str, **arguments: Any) -> Reply:
    """What came of one call, of a server of its own."""

    async def story() -> Reply:
        async with serving(path) as tools:
            return await tools.call(tool, **arguments)

    reply = run(story())
    assert isinstance(reply, Reply)
    return reply
