"""The tool server: the MCP SDK on one side, the agent's socket on the other."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

import mcp_types as types
from mcp.server.lowlevel import Server
from mcp.shared.exceptions import MCPError

from hyperhive import __version__
from hyperhive.agent.tools.agent_tools import AGENT_TOOLS
from hyperhive.agent.tools.answers import told, waiting
from hyperhive.agent.tools.handed import Handed
from hyperhive.agent.tools.link import Link, Unanswered
from hyperhive.agent.tools.manager_tools import MANAGER_TOOLS
from hyperhive.agent.tools.stdio import conversation
from hyperhive.agent.tools.tool import Effect, Tool
from hyperhive.wire import responses
from hyperhive.wire.agent_requests import Recv, Status, Whoami
from hyperhive.wire.codec import WireError
from hyperhive.wire.manager_requests import ManagerRequest
from hyperhive.wire.names import MANAGER

MOST_WAITING: Final = 2
"""Calls that wait for mail at once. Each holds a connection, of which the agent's socket has few."""

INSTRUCTIONS: Final = (
    "You are an agent of a hive. These tools are your mail, your questions, and what else the hive does for you. Every"
    " answer ends with how many messages wait for you."
)


class ToolServer:
    """Answers what a client asks of tools, for whomever the socket speaks for."""

    def __init__(self, link: Link) -> None:
        self._link = link
        self._handed = Handed(link)
        self._waiting = 0
        self._tools: dict[str, Tool] = {}

    async def list_tools(self, _context: Any, _params: Any) -> types.ListToolsResult:
        """The tools that this agent has."""
        try:
            tools = await self._known()
        except (Unanswered, WireError) as error:
            raise MCPError(types.INTERNAL_ERROR, str(error)) from None
        return types.ListToolsResult(tools=[described(tool) for tool in tools.values()])

    async def call_tool(self, context: Any, params: types.CallToolRequestParams) -> types.CallToolResult:
        """What came of a call; a refusal is a result that is marked as an error."""
        try:
            text, unread, failed = await self._called(context.request_id, params.name, params.arguments or {})
        except (Unanswered, WireError) as error:
            text, unread, failed = str(error), None, True
        content: list[types.ContentBlock] = [types.TextContent(type="text", text=f"{text}\n{waiting(unread)}")]
        return types.CallToolResult(content=content, is_error=failed)

    async def cancelled(self, call: types.RequestId) -> None:
        """The client wants no answer to that call, or has not read the one that it was given."""
        await self._handed.cancelled(call)

    async def _called(
        self, call: types.RequestId | None, name: str, arguments: dict[str, Any]
    ) -> tuple[str, int | None, bool]:
        """The answer in words, how much mail waits, and whether it is an error."""
        tools = await self._known()
        try:
            request = _tool(tools, name).asks(arguments)
        except WireError as error:
            async with self._link.asked(Status()) as (answer, _):
                return str(error), answer.unread if isinstance(answer, responses.Status) else None, True
        with self._counted(request):
            async with self._link.asked(request) as (answer, line):
                unread = await line.unread()
        if isinstance(answer, responses.Err):
            return answer.message, unread, True
        if isinstance(answer, responses.Messages):  # nothing waits between here and there, so that no cancel is missed
            await self._handed.out(call, answer)
        return told(request, answer), unread, False

    @contextmanager
    def _counted(self, request: ManagerRequest) -> Iterator[None]:
        """A `recv` waits, unless others do already. Raises WireError."""
        waits = isinstance(request, Recv) and request.wait_seconds != 0
        if waits and self._waiting >= MOST_WAITING:
            raise WireError(
                f"recv: {MOST_WAITING} calls of it wait for mail already; wait for those, or look with wait_seconds 0"
            )
        self._waiting += waits
        try:
            yield
        finally:
            self._waiting -= waits

    async def _known(self) -> dict[str, Tool]:
        if not self._tools:
            async with self._link.asked(Whoami()) as (answer, _):
                tools = tools_of(answer)
            self._tools = {tool.name: tool for tool in tools}
        return self._tools


def tools_of(answer: object) -> tuple[Tool, ...]:
    """The tools of whoever answered so to `whoami`. Raises WireError."""
    if isinstance(answer, responses.Err):
        raise WireError(answer.message)
    if not isinstance(answer, responses.Identity):
        raise WireError(f"the daemon answered with {type(answer).__name__} where Identity was expected")
    return (*AGENT_TOOLS, *MANAGER_TOOLS) if answer.role == MANAGER else AGENT_TOOLS


def _tool(tools: dict[str, Tool], name: str) -> Tool:
    if name not in tools:
        raise WireError(f"there is no tool {name!r} for you; there are {', '.join(tools)}")
    return tools[name]


def described(tool: Tool) -> types.Tool:
    """A tool as the protocol shows it."""
    return types.Tool(
        name=tool.name,
        description=tool.about,
        input_schema=tool.schema(),
        annotations=types.ToolAnnotations(
            read_only_hint=tool.effect is Effect.SHOWS,
            destructive_hint=tool.effect is Effect.ENDS,
            idempotent_hint=tool.effect in {Effect.SHOWS, Effect.SETS},
            open_world_hint=False,
        ),
    )


async def serve(path: str) -> None:
    """Serve standard input and output for the agent whose socket is at `path`, until the end of the input."""
    tools = ToolServer(Link(path))
    server: Server[Any] = Server(
        "hive",
        version=__version__,
        instructions=INSTRUCTIONS,
        on_list_tools=tools.list_tools,
        on_call_tool=tools.call_tool,
    )
    server.middleware.clear()  # nobody collects its telemetry
    async with conversation(tools.cancelled) as (incoming, outgoing):
        await server.run(incoming, outgoing, server.create_initialization_options())
