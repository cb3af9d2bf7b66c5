"""What the environment says of the runner, and the runner that is made of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from twisted.internet.task import Clock
from zope.interface.verify import verifyObject

from hyperhive.agent.claude.runner import ClaudeRunner
from hyperhive.agent.runner import IRunner, Prompt
from hyperhive.agent.runners import NoRunner, make_runner
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
            "HIVE_CONTEXT_TOKENS": "1000",
            "HIVE_STOP_GRACE": "30",
            "HOME": "/home/alice",
        }
    )
    assert said == Settings(
        kind="claude",
        command=("echo", "two words"),
        model="m-1",
        context_tokens=1000,
        grace=22.0,
        credentials=Path("/home/alice/.claude/.credentials.json"),
    )


def test_credentials_are_where_claude_is_told_to_keep_them() -> None:
    said = settings_in({"HIVE_RUNNER": "claude", "CLAUDE_CONFIG_DIR": "/c", "HOME": "/home/alice"})
    assert said.credentials == Path("/c/.credentials.json")
    assert settings_in({"HIVE_RUNNER": "claude"}).credentials is None


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
    environment = {"HIVE_STATE_DIR": str(tmp_path), "HIVE_SOCKET": "/run/hive/mcp.sock", "HIVE_TURN_SECONDS": "60"}
    runner = make_runner(Clock(), Settings(kind="claude", model="m-1"), environment, "be good")
    assert verifyObject(IRunner, runner)
    assert isinstance(runner, ClaudeRunner)
    assert (runner.kind, runner.model) == ("claude", "m-1")
    told = runner._settings
    assert told.system_prompt is not None
    assert told.system_prompt.read_text() == "be good"
    assert (told.directory, told.state, told.turn_seconds) == (tmp_path, tmp_path / ".hive-agent", 60.0)
    assert told.servers["hive"]["args"] == ["mcp"]
    assert told.servers["hive"]["env"] == {"HIVE_SOCKET": "/run/hive/mcp.sock"}


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"HIVE_TURN_SECONDS": "soon"}, "HIVE_TURN_SECONDS is 'soon'"),
        ({"HIVE_STATE_DIR": "/proc/nowhere"}, "the runner 'claude' needs the directory /proc/nowhere/.hive-agent: "),
    ],
)
def test_a_runner_that_can_not_be_had_is_one_sentence(tmp_path: Path, changed: dict[str, str], sentence: str) -> None:
    environment = {"HIVE_STATE_DIR": str(tmp_path), "HIVE_SOCKET": "/run/hive/mcp.sock", **changed}
    with pytest.raises(NoRunner) as refused:
        make_runner(Clock(), Settings(kind="claude"), environment, "")
    assert str(refused.value).startswith(sentence)
