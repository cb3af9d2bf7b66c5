"""The official inspector lists the tools, and calls each of them."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from hyperhive.agent.tools.agent_tools import AGENT_TOOLS
from hyperhive.agent.tools.manager_tools import MANAGER_TOOLS
from tests import node_tools
from tests.agent.tools.clients import COMMAND
from tests.agent.tools.conftest import Village

CALLS: dict[str, tuple[str, ...]] = {
    "send": ("to=bob", "body=hello"),
    "recv": ("max=4", "wait_seconds=0"),
    "ask_operator": ("question=which?", 'options=["this","that"]', "multi=true"),
    "ask": ("to=bob", "question=which?"),
    "answer": ("id=1", "answer=this"),
    "remind": ("message=water the plants", "delay_seconds=3600"),
    "set_status": ("text=reading",),
    "get_open_threads": (),
    "whoami": (),
    "list": (),
    "request_spawn": ("name=carol", "description=writes tests"),
    "request_init_config": ("name=dave",),
    "request_apply_commit": ("agent=alice", "commit_ref=COMMIT"),
    "cancel_approval": ("id=1",),
    "kill": ("name=bob",),
    "start": ("name=bob",),
    "restart": ("name=bob",),
    "update": ("name=bob", "wait=false"),
    "get_logs": ("agent=bob", "lines=3"),
}


@pytest.fixture
def inspector() -> Path:
    """The program."""
    return node_tools.required(*node_tools.INSPECTOR) / "node_modules/.bin/mcp-inspector"


def inspected(inspector: Path, socket: Path, method: str, *arguments: str) -> dict[str, Any]:
    """What the inspector prints."""
    words = [str(inspector), "--cli", *COMMAND, "--method", method, *arguments]
    done = subprocess.run(
        words, env={**os.environ, "HIVE_SOCKET": str(socket)}, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    printed: dict[str, Any] = json.loads(done.stdout)
    return printed


def test_the_inspector_lists_every_tool(hive: Village, inspector: Path) -> None:
    listed = inspected(inspector, hive.managers, "tools/list")["tools"]
    assert [tool["name"] for tool in listed] == [tool.name for tool in (*AGENT_TOOLS, *MANAGER_TOOLS)]
    assert all(tool["description"] and tool["inputSchema"]["type"] == "object" for tool in listed)
    assert listed[-1]["annotations"]["readOnlyHint"]


@pytest.mark.deadline(120)
def test_the_inspector_calls_every_tool(hive: Village, inspector: Path) -> None:
    with hive.agent("bob") as bob:
        bob.ask("ask", to="manager", question="which?")
    commit = hive.propose("alice", "[health]\nwindow = 30\n")
    told = {}
    for tool, given in CALLS.items():
        arguments = [word for one in given for word in ("--tool-arg", one.replace("COMMIT", commit))]
        answer = inspected(inspector, hive.managers, "tools/call", "--tool-name", tool, *arguments)
        assert not answer.get("isError"), answer
        (told[tool],) = [content["text"] for content in answer["content"]]
    assert told.keys() == {tool.name for tool in (*AGENT_TOOLS, *MANAGER_TOOLS)}
    assert all(text.splitlines()[-1].endswith((" waits.", " wait.")) for text in told.values())
    assert told["whoami"].startswith("You are manager, manager of the hive ")
