"""What a plan comes to, whatever the backend: variables, limits, and what can't be had."""

from __future__ import annotations

from pathlib import Path

from hyperhive.agent_config import AgentConfig, Limits, Runner
from hyperhive.boundaries import Plan
from hyperhive.containers.plans import IN_A_MACHINE, limited, module, told
from hyperhive.limits import MachineSettings

OWN = {"HIVE_RUNNER_COMMAND": "cat", "PATH": "/bin", "EDITOR": "ed"}


def variables(config: AgentConfig, name: str = "alice", files: Path | None = None) -> dict[str, str]:
    return told(OWN, Plan(config=config, files=files), name, 3, IN_A_MACHINE)


def test_without_a_configuration_an_agent_is_told_what_the_daemon_says_and_its_place() -> None:
    assert variables(AgentConfig()) == {
        **OWN,
        "HIVE_SOCKET": "/run/hive/mcp.sock",
        "HIVE_AGENT": "alice",
        "HIVE_STATE_DIR": "/state",
        "HIVE_GENERATION": "3",
    }


def test_a_configurations_variables_beat_the_daemons_and_never_the_hives() -> None:
    seen = variables(AgentConfig(environment={"EDITOR": "vi", "NEW": "1", "HIVE_AGENT": "bob", "HIVE_MODEL": "x"}))
    assert (seen["EDITOR"], seen["NEW"], seen["HIVE_AGENT"], seen["PATH"]) == ("vi", "1", "alice", "/bin")
    assert "HIVE_MODEL" not in seen


def test_a_runner_is_told_by_variables() -> None:
    runner = Runner(kind="command", command=("echo", "two words"), model="m-1")
    seen = variables(AgentConfig(runner=runner))
    assert (seen["HIVE_RUNNER"], seen["HIVE_RUNNER_COMMAND"], seen["HIVE_MODEL"]) == (
        "command",
        "echo 'two words'",
        "m-1",
    )


def test_a_command_of_the_agents_own_is_its_runner_whatever_the_daemons_is() -> None:
    seen = variables(AgentConfig(runner=Runner(command=("echo",))))
    assert (seen["HIVE_RUNNER"], seen["HIVE_RUNNER_COMMAND"]) == ("command", "echo")


def test_a_runners_tools_and_the_limit_of_its_turns_are_told_by_variables() -> None:
    seen = variables(AgentConfig(runner=Runner(kind="claude", tools=("Read", "Bash(git *)"), turn_seconds=60)))
    assert (seen["HIVE_TOOLS"], seen["HIVE_TURN_SECONDS"]) == ("Read 'Bash(git *)'", "60")
    assert variables(AgentConfig(runner=Runner(tools=())))["HIVE_TOOLS"] == ""


def test_who_has_files_is_told_where_and_the_manager_where_everybodys_are(tmp_path: Path) -> None:
    assert variables(AgentConfig(), files=tmp_path)["HIVE_CONFIG_DIR"] == "/config"
    seen = variables(AgentConfig(), "manager")
    assert (seen["HIVE_AGENTS_DIR"], seen["HIVE_APPLIED_DIR"]) == ("/agents", "/applied")
    assert "HIVE_CONFIG_DIR" not in seen


def test_limits_beat_the_daemons_where_there_are_any() -> None:
    settings = MachineSettings(memory=1, cpu=2, tasks=3)
    assert limited(settings, Limits()) == settings
    assert limited(settings, Limits(cpu=20)) == MachineSettings(memory=1, cpu=20, tasks=3)


def test_files_hold_a_module_where_agent_nix_is_among_them(tmp_path: Path) -> None:
    assert module(Plan()) is None
    assert module(Plan(files=tmp_path)) is None
    (tmp_path / "agent.nix").touch()
    assert module(Plan(files=tmp_path)) == tmp_path
