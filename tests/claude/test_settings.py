"""How the CLI is started: its command line and its environment."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
import pytest

from hyperhive.agent.claude.settings import MARK, NEVER, UNASKED, Settings, command, environment


def settings(given: dict[str, str] | None = None, **changes: Any) -> Settings:
    own = Path("/state")
    return Settings(environment=given or {}, state=own, directory=own, credentials=own, **changes)


def value(words: list[str], option: str) -> str:
    return words[words.index(option) + 1]


def test_no_words_of_tools_are_no_tools() -> None:
    words = command(settings(tools=()), None, None, "m")
    assert value(words, "--tools") == ""
    assert "--allowedTools" not in words


def test_without_a_list_it_may_use_what_work_needs_and_begins_no_turns_itself() -> None:
    words = command(settings(servers={"hive": {"command": "hive-agent"}}), None, None, "m")
    assert value(words, "--allowedTools") == ",".join([*UNASKED, "mcp__hive"])
    assert value(words, "--disallowedTools") == ",".join(NEVER)
    assert "--tools" not in words


def test_a_list_names_the_tools_that_it_has_and_the_rules_for_their_use() -> None:
    words = command(settings(tools=["Bash(git *)", "Bash(ls)", "Read", "mcp__hive__send"]), None, None, "m")
    assert value(words, "--tools") == "Bash,Read"
    assert value(words, "--allowedTools") == "Bash(git *),Bash(ls),Read,mcp__hive__send"


def test_its_servers_are_the_configured_ones_alone_and_can_be_told_by_the_mark() -> None:
    words = command(settings(servers={"hive": {"command": "x", "env": {"HIVE_SOCKET": "/s"}}}), None, None, "m")
    assert "--strict-mcp-config" in words
    server = {"command": "x", "env": {"HIVE_SOCKET": "/s", MARK: "m"}}
    assert orjson.loads(value(words, "--mcp-config")) == {"mcpServers": {"hive": server}}


@pytest.mark.parametrize(
    ("token", "seen"),
    [
        (None, {"ANTHROPIC_API_KEY": "ours"}),
        ("sk-ant-oat01-t", {"CLAUDE_CODE_OAUTH_TOKEN": "sk-ant-oat01-t"}),
        ("sk-ant-api03-k", {"ANTHROPIC_API_KEY": "sk-ant-api03-k"}),
    ],
)
def test_a_token_takes_the_place_of_every_other_login(token: str | None, seen: dict[str, str]) -> None:
    given = environment(settings({"ANTHROPIC_API_KEY": "ours", "PATH": "/bin"}), token, "m")
    assert {name: said for name, said in given.items() if said.startswith(("ours", "sk-"))} == seen
    assert given["PATH"] == "/bin"


def test_it_keeps_what_it_knows_where_it_is_told_to() -> None:
    assert environment(settings(config=Path("/own")), None, "m")["CLAUDE_CONFIG_DIR"] == "/own"
    assert environment(settings({"CLAUDE_CONFIG_DIR": "/x"}), None, "m")["CLAUDE_CONFIG_DIR"] == "/state/claude"


@pytest.mark.parametrize(
    ("given", "where"),
    [
        ({"HOME": "/home"}, "/home/.claude"),
        ({"HOME": "/home", "CLAUDE_CONFIG_DIR": "/x"}, "/x"),
        ({"HOME": "/home", "CLAUDE_SECURESTORAGE_CONFIG_DIR": "/y"}, "/y"),
        ({"CLAUDE_CONFIG_DIR": "/x"}, "/x"),
        ({}, None),
    ],
)
def test_its_login_is_that_of_any_other_claude_in_the_home(given: dict[str, str], where: str | None) -> None:
    assert environment(settings(given), None, "m").get("CLAUDE_SECURESTORAGE_CONFIG_DIR") == where


def test_what_it_does_unasked_can_be_allowed_again() -> None:
    assert (
        environment(settings({"CLAUDE_CODE_DISABLE_BACKGROUND_TASKS": "0"}), None, "m")[
            "CLAUDE_CODE_DISABLE_BACKGROUND_TASKS"
        ]
        == "0"
    )
