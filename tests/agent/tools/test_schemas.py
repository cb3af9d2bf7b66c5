"""What a model is told of the tools before it calls one."""

from __future__ import annotations

import attrs
import pytest

from hyperhive.agent.tools.agent_tools import AGENT_TOOLS, ASK_OPERATOR, RECV, SEND
from hyperhive.agent.tools.manager_tools import MANAGER_TOOLS
from hyperhive.agent.tools.server import described
from hyperhive.agent.tools.tool import Tool
from hyperhive.wire.agent_requests import AskOperator, Recv, Send
from hyperhive.wire.fields import BODY_BYTES, MOST_OPTIONS, TEXT_BYTES

TOOLS = (*AGENT_TOOLS, *MANAGER_TOOLS)
every_tool = pytest.mark.parametrize("tool", TOOLS, ids=lambda tool: tool.name)


@every_tool
def test_a_tool_says_all_that_its_request_may(tool: Tool) -> None:
    assert {*tool.arguments, *tool.always} == {one.name for one in attrs.fields(tool.request)}


@every_tool
def test_a_tool_and_each_of_its_arguments_is_described(tool: Tool) -> None:
    shown = described(tool)
    assert shown.description
    assert all(one["description"].endswith(".") for one in shown.input_schema["properties"].values())


@every_tool
def test_a_schema_takes_an_object_and_no_other_keys(tool: Tool) -> None:
    schema = described(tool).input_schema
    assert (schema["type"], schema["additionalProperties"]) == ("object", False)
    assert {*schema.get("required", ())} <= {*schema["properties"]}


@every_tool
def test_every_bound_is_a_number_that_javascript_keeps(tool: Tool) -> None:
    bounds = [one.get(word, 0) for one in tool.schema()["properties"].values() for word in ("minimum", "maximum")]
    assert all(abs(bound) < 2**53 for bound in bounds)


def test_what_the_wire_requires_is_required() -> None:
    assert SEND.schema()["required"] == ["to", "body"]
    assert "required" not in RECV.schema()


def test_bounds_are_those_of_the_wire() -> None:
    asked = ASK_OPERATOR.schema()["properties"]
    assert asked["question"]["maxLength"] == TEXT_BYTES
    assert (asked["options"]["maxItems"], asked["options"]["items"]["maxLength"]) == (MOST_OPTIONS, TEXT_BYTES)
    assert SEND.schema()["properties"]["body"]["maxLength"] == BODY_BYTES


def test_bounds_of_recv_are_those_that_the_daemon_keeps() -> None:
    wanted = RECV.schema()["properties"]
    assert [wanted["max"][word] for word in ("minimum", "maximum", "default")] == [1, 32, 1]
    assert [wanted["wait_seconds"][word] for word in ("minimum", "maximum", "default")] == [0, 180, 30]


def test_what_is_not_said_is_as_the_schema_tells() -> None:
    assert RECV.asks({}) == Recv(30, 1)
    assert RECV.asks({"max": 3, "wait_seconds": 0}) == Recv(0, 3)
    assert ASK_OPERATOR.asks({"question": "which?", "ttl_seconds": None}) == AskOperator("which?")


def test_send_is_always_said_in_the_turn() -> None:
    assert SEND.asks({"to": "bob", "body": "hello"}) == Send("bob", "hello", in_turn=True)


def test_what_only_looks_is_marked_as_such() -> None:
    looking = {tool.name for tool in TOOLS if (hints := described(tool).annotations) and hints.read_only_hint}
    assert looking == {"get_open_threads", "whoami", "list", "get_logs"}


def test_what_ends_something_is_marked_as_such() -> None:
    ending = {tool.name for tool in TOOLS if (hints := described(tool).annotations) and hints.destructive_hint}
    assert ending == {"cancel_approval", "kill", "restart", "update"}
