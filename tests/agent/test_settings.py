"""What the environment says of the runner, and the runner that is made of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from twisted.internet.task import Clock
from zope.interface.verify import verifyObject

from hyperhive.agent.runner import IRunner, Prompt
from hyperhive.agent.runners import make_runner
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
            "HIVE_TURN_SECONDS": "90",
            "HIVE_TOOLS": "Read 'Bash(git *)'",
            "HOME": "/home/alice",
        }
    )
    assert said == Settings(
        kind="claude",
        command=("echo", "two words"),
        model="m-1",
        context_tokens=1000,
        grace=22.0,
        turn_seconds=90.0,
        tools=("Read", "Bash(git *)"),
        credentials=Path("/home/alice"),
        login=Path("/home/alice/.claude/.credentials.json"),
    )


@pytest.mark.parametrize(
    ("environment", "config", "login"),
    [
        ({"CLAUDE_CONFIG_DIR": "/c", "HIVE_CREDENTIALS_DIR": "/own"}, Path("/c"), "/c/.credentials.json"),
        ({"HIVE_CREDENTIALS_DIR": "/own"}, Path("/own/claude"), "/own/claude/.credentials.json"),
        ({}, None, "/home/alice/.claude/.credentials.json"),
    ],
)
def test_a_login_is_where_claude_is_told_to_keep_it(
    environment: dict[str, str], config: Path | None, login: str
) -> None:
    said = settings_in({"HIVE_RUNNER": "claude", "HOME": "/home/alice", **environment})
    assert (said.config, said.login) == (config, Path(login))


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


def test_the_runner_claude_finds_its_own_place_in_the_agents(tmp_path: Path) -> None:
    environment = {"HIVE_STATE_DIR": str(tmp_path), "HIVE_RUNNER": "claude", "HOME": str(tmp_path / "home")}
    assert verifyObject(IRunner, make_runner(Clock(), settings_in(environment), environment, "You are an agent."))
    assert (tmp_path / ".hive-agent/system-prompt.md").read_text() == "You are an agent."
