"""What the environment says of the runner, and the runner that is made of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from twisted.internet.task import Clock
from zope.interface.verify import verifyObject

from hyperhive.agent.claude.runner import ClaudeRunner
from hyperhive.agent.runner import IRunner, Prompt
from hyperhive.agent.runners import CLAUDE_SETTINGS, NoRunner, make_runner
from hyperhive.agent.settings import Settings, WrongSetting, settings_in
from tests.agent.serving import shell


@pytest.mark.parametrize(
    ("environment", "kind"),
    [
        ({}, None),
        ({"HIVE_RUNNER_COMMAND": "cat"}, "command"),
        ({"HIVE_RUNNER": "command", "HIVE_RUNNER_COMMAND": "cat"}, "command"),
        ({"HIVE_RUNNER": "command"}, None),
        ({"HIVE_RUNNER": "claude"}, "claude"),
        ({"HIVE_RUNNER": "claude", "HIVE_RUNNER_COMMAND": "cat"}, "claude"),
    ],
)
def test_the_runner_is_the_one_that_is_named_or_else_the_command(environment: dict[str, str], kind: str | None) -> None:
    assert settings_in(environment).kind == kind


def test_everything_can_be_said() -> None:
    said = settings_in(
        {
            "HIVE_RUNNER": "claude",
            "HIVE_RUNNER_COMMAND": "echo 'two words'",
            "HIVE_MODEL": "m-1",
            "HIVE_TOOLS": "Read 'Bash(git *)'",
            "HIVE_CONTEXT_TOKENS": "1000",
            "HIVE_TURN_SECONDS": "60",
            "HIVE_STOP_GRACE": "30",
            "HOME": "/home/alice",
        }
    )
    assert said == Settings(
        kind="claude",
        command=("echo", "two words"),
        model="m-1",
        tools=("Read", "Bash(git *)"),
        context_tokens=1000,
        turn_seconds=60.0,
        grace=22.0,
        login=Path("/home/alice/.claude/.credentials.json"),
    )


@pytest.mark.parametrize("variable", ["CLAUDE_CONFIG_DIR", "CLAUDE_SECURESTORAGE_CONFIG_DIR"])
def test_the_login_is_where_claude_is_told_to_keep_it(variable: str) -> None:
    said = settings_in({"HIVE_RUNNER": "claude", variable: "/c", "HOME": "/home/alice"})
    assert said.login == Path("/c/.credentials.json")
    assert settings_in({"HIVE_RUNNER": "claude"}).login is None


@pytest.mark.parametrize(("runner", "seconds"), [("claude", 3600.0), ("command", 86_400.0)])
def test_without_a_word_of_it_there_are_defaults(runner: str, seconds: float) -> None:
    said = settings_in({"HIVE_RUNNER": runner, "HIVE_RUNNER_COMMAND": "cat"})
    assert (said.tools, said.turn_seconds, said.context_tokens) == (None, seconds, 150_000)


def test_no_words_of_tools_are_no_tools() -> None:
    assert settings_in({"HIVE_TOOLS": ""}).tools == ()


@pytest.mark.parametrize("grace", ["8", "3", "0"])
def test_where_the_daemon_leaves_no_time_a_turn_is_cancelled_at_once(grace: str) -> None:
    assert settings_in({"HIVE_STOP_GRACE": grace}).grace == 0.0


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("HIVE_RUNNER", "codex", "HIVE_RUNNER is 'codex'; it must be 'command' or 'claude'"),
        ("HIVE_CONTEXT_TOKENS", "many", "HIVE_CONTEXT_TOKENS is 'many'; it must be a number, such as 150000"),
        ("HIVE_CONTEXT_TOKENS", "nan", "HIVE_CONTEXT_TOKENS is 'nan'; it must be a number, such as 150000"),
        ("HIVE_STOP_GRACE", "-1", "HIVE_STOP_GRACE is '-1'; it must be a number, such as 0"),
        ("HIVE_TURN_SECONDS", "soon", "HIVE_TURN_SECONDS is 'soon'; it must be a number, such as 86400"),
        ("HIVE_TURN_SECONDS", "inf", "HIVE_TURN_SECONDS is 'inf'; it must be a number, such as 86400"),
        ("HIVE_TOOLS", "'", "HIVE_TOOLS can't be split into words"),
        ("HIVE_RUNNER_COMMAND", "'", "HIVE_RUNNER_COMMAND can't be split into words"),
    ],
)
def test_what_can_not_be_is_refused_with_what_would_do(name: str, value: str, sentence: str) -> None:
    with pytest.raises(WrongSetting) as refused:
        settings_in({name: value})
    assert str(refused.value).startswith(sentence)


async def test_the_command_runner_is_a_runner_that_has_nothing_to_do_without_mail(reactor: Any) -> None:
    runner = make_runner(reactor, shell("exit 1"), {}, "")
    assert verifyObject(IRunner, runner)
    assert (await runner.turn(Prompt(text="write notes"), print)).reply is None
    runner.cancel()


def test_claude_is_told_its_prompt_the_hives_tools_and_where_its_own_things_are(tmp_path: Path) -> None:
    (tmp_path / CLAUDE_SETTINGS).write_text("{}")
    environment = {
        "HIVE_STATE_DIR": str(tmp_path),
        "HIVE_SOCKET": "/run/hive/mcp.sock",
        "HIVE_CONFIG_DIR": str(tmp_path),
        "HIVE_CREDENTIALS_DIR": "/credentials",
        "HOME": "/home",
    }
    settings = Settings(kind="claude", model="m-1", tools=("Read",), turn_seconds=60.0)
    runner = make_runner(Clock(), settings, environment, "be good")
    assert verifyObject(IRunner, runner)
    assert isinstance(runner, ClaudeRunner)
    assert (runner.kind, runner.model) == ("claude", "m-1")
    told = runner._settings
    assert told.system_prompt is not None
    assert told.system_prompt.read_text() == "be good"
    assert (told.directory, told.state, told.turn_seconds) == (tmp_path, tmp_path / ".hive-agent", 60.0)
    assert (told.tools, told.settings, told.credentials) == (
        ("Read",), tmp_path / CLAUDE_SETTINGS, Path("/credentials")
    )  # fmt: skip
    assert told.servers["hive"]["args"] == ["mcp"]
    assert told.servers["hive"]["env"] == {"HIVE_SOCKET": "/run/hive/mcp.sock"}


@pytest.mark.parametrize("variables", [{"HOME": "/home"}, {}])
def test_a_token_is_kept_in_the_home_or_with_all_the_rest(tmp_path: Path, variables: dict[str, str]) -> None:
    environment = {
        "HIVE_STATE_DIR": str(tmp_path),
        "HIVE_SOCKET": "/run/hive/mcp.sock",
        "HIVE_CONFIG_DIR": str(tmp_path),
    }
    runner = make_runner(Clock(), Settings(kind="claude"), {**environment, **variables}, "")
    assert isinstance(runner, ClaudeRunner)
    assert runner._settings.credentials == (Path("/home") if variables else tmp_path / ".hive-agent")
    assert runner._settings.settings is None


def test_a_runner_that_can_not_be_had_is_one_sentence() -> None:
    environment = {"HIVE_STATE_DIR": "/proc/nowhere", "HIVE_SOCKET": "/run/hive/mcp.sock"}
    with pytest.raises(NoRunner) as refused:
        make_runner(Clock(), Settings(kind="claude"), environment, "")
    assert str(refused.value).startswith("the runner 'claude' needs the directory /proc/nowhere/.hive-agent: ")
