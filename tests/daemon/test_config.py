"""What may stand in the configuration: every setting, and what each refuses with a sentence that names it."""

from __future__ import annotations

from pathlib import Path

import pytest

from hyperhive.config import configure
from hyperhive.errors import StartupError

WRONG_IN_A_FILE = {
    'colour = "red"': "'colour' in .* is no setting",
    "[colours]\nred = 1": "'colours' in .* is no setting",
    "[agent]\ncolour = 1": "'agent.colour' in .* is no setting",
    "[mail]\nrunner_command = 'x'": "'mail.runner_command' in .*: 'runner_command' belongs under .agent.",
    "[agent]\nrunner = 'codex'": "'agent.runner' in .* must be 'command' or 'claude'",
    "runner_command = 'x'": "'runner_command' in .* is no setting .*: 'runner_command' belongs under .agent.",
    "[agent]\nlog-format = 'text'": "'agent.log-format' in .*: 'log_format' belongs at the top, before any .table.",
    "[agents.bob]\ncontainers = 'local'": "'agents.bob.containers' in .*: 'containers' belongs at the top",
    "[agent]\ncolor = 1": r"the settings are agent_command, .*; \[agent\] runner, runner_.*; \[nspawn\] image,",
    "[nspawn]\nimage = 3": "'nspawn.image' in .* must be the path of a directory or of a tarball",
    "[nspawn]\nsubnet = '10.9.1.0/16'": "must be a network and no address in one: '10.9.1.0/16' lies in '10.9.0.0/16'",
    "[nspawn]\nsubnet = '10.9.0.0/24'": "'nspawn.subnet' in .* must be an IPv4 network of at least 65536",
    "[nspawn]\nmemory = '15M'": "'nspawn.memory' in .* must be at least '16M'",
    "[nspawn]\nmemory = 4": "'nspawn.memory' in .* must be at least '16M'",
    "[nspawn]\nmemory = '4 G'": "'nspawn.memory' in .* must be a size",
    "[nspawn]\ntasks = 15": "'nspawn.tasks' in .* must be at least 16, or nothing can run",
    "agent = 1": "'agent' in .* is no setting",
    "[state-dir]\nx = 1": "'state-dir' in .* must be the path of a directory",
    "state-dir = 7": "'state-dir' in .* must be the path of a directory",
    "run_dir = ''": "'run_dir' in .* must be the path of a directory",
    "containers = 'docker'": "'containers' in .* must be 'local'",
    "containers = ['local']": "'containers' in .* must be 'local'",
    "agent-command = ''": "'agent-command' in .* must be a command",
    "agent-command = []": "'agent-command' in .* must be a command",
    "agent-command = ['sleep', 7]": "'agent-command' in .* must be a command",
    'agent-command = "sleep \'1"': "'agent-command' in .* must be a command",
    "[agent]\nrunner-command = true": "'agent.runner-command' in .* must be a command",
    "poll-interval = true": "'poll-interval' in .* must be a number of seconds from 0.1 to 86400",
    "poll-interval = 0": "'poll-interval' in .* must be a number of seconds from 0.1 to 86400",
    "poll-interval = -1.5": "'poll-interval' in .* must be a number of seconds from 0.1 to 86400",
    "poll-interval = nan": "'poll-interval' in .* must be a number of seconds from 0.1 to 86400",
    "poll-interval = inf": "'poll-interval' in .* must be a number of seconds from 0.1 to 86400",
    "poll-interval = 'soon'": "'poll-interval' in .* must be a number of seconds from 0.1 to 86400",
    "poll-interval = 1979-05-27": "'poll-interval' in .* must be a number of seconds from 0.1 to 86400",
    "log-format = 'xml'": "'log-format' in .* must be 'text' or 'json'",
    "stop-agents = 'yes'": "'stop-agents' in .* must be true or false",
    "stop-agents = 1": "'stop-agents' in .* must be true or false",
    "hive = ''": "'hive' in .* must be a text",
    "domain = 7": "'domain' in .* must be a text",
    "[mail]\nmax_attempts = 0": "'mail.max_attempts' in .* must be a whole number above 0",
    "[mail]\nthread_hops = 0": "'mail.thread_hops' in .* must be a whole number above 0",
    "[mail]\nthread-rate = 'many'": "'mail.thread-rate' in .* must be a whole number above 0",
    "[mail]\nthread_seconds = -1": "'mail.thread_seconds' in .* must be a whole number above 0",
    "thread_rate = 3": "'thread_rate' in .*: 'thread_rate' belongs under .mail.",
    "[mail]\nmax_inbox = 1.5": "'mail.max_inbox' in .* must be a whole number above 0",
    "[restart]\npolicy = 'always'": "'restart.policy' in .* must be 'no' or 'on-crash'",
    "[restart]\nmanager = false": "'restart.manager' in .* must be 'no' or 'on-crash'",
    "[restart]\nattempts = 0": "'restart.attempts' in .* must be a whole number above 0",
    "[restart]\nwindow = 'long'": "'restart.window' in .* must be a number of seconds from 0.1 to 86400",
    "[restart]\nlongest-pause = 100000": "'restart.longest-pause' in .* must be a number of seconds from 0.1 to 86400",
    "[restart]\npause = 61": "'restart.pause' must be at most 'restart.longest_pause': 61 seconds are more than 60",
    "[restart]\nrestart = 'no'": "'restart.restart' in .* is no setting",
    "restart = 'no'": "'restart' in .* is no setting",
    "policy = 'no'": "'policy' in .* is no setting",
    "agents = 'bob'": "'agents' in .* is no setting",
    "[agents]\nbob = 'no'": "'agents.bob' in .* must be a table; its settings are restart",
    "[agents.bob]\nrestart = 'always'": "'agents.bob.restart' in .* must be 'no' or 'on-crash'",
    "[agents.bob]\ncolour = 1": "'agents.bob.colour' in .* is no setting",
    "[agents.Bob]\nrestart = 'no'": "'agents.Bob' in .* can be about nobody: 'Bob' is no agent name",
    "[agents.system]\nrestart = 'no'": "'agents.system' in .* can be about nobody: 'system' is a reserved name",
    '[agents."\\n"]\nrestart = "no"': "can be about nobody",
    "[mail]\nlease-seconds = true": "'mail.lease-seconds' in .* must be a whole number above 0",
    "state-dir =": "is no TOML",
    "hive = 'a'\nhive = 'b'": "is no TOML",
}


@pytest.mark.parametrize("content", WRONG_IN_A_FILE)
def test_a_wrong_setting_in_a_file_is_named(tmp_path: Path, content: str) -> None:
    path = tmp_path / "hive.toml"
    path.write_text(content)
    with pytest.raises(StartupError, match=WRONG_IN_A_FILE[content]) as refused:
        configure({"config": str(path)}, {"HOME": "/home/bee"}, root=False)
    assert "\n" not in str(refused.value)


def test_a_file_that_is_no_text_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "hive.toml"
    path.write_bytes(b"\xff")
    with pytest.raises(StartupError, match="is no TOML"):
        configure({"config": str(path)}, {"HOME": "/home/bee"}, root=False)


@pytest.mark.parametrize("path", ["/nonexistent/hive.toml", "/"])
def test_a_file_that_can_not_be_read_is_refused(path: str) -> None:
    with pytest.raises(StartupError, match=f"{path} can't be read"):
        configure({"config": path}, {"HOME": "/home/bee"}, root=False)


@pytest.mark.parametrize(
    ("environment", "root", "state", "run"),
    [
        ({}, True, "/var/lib/hyperhive", "/run/hyperhive"),
        ({"HOME": "/h", "XDG_STATE_HOME": "/x", "XDG_RUNTIME_DIR": "/r"}, True, "/var/lib/hyperhive", "/run/hyperhive"),
        ({"HOME": "/h"}, False, "/h/.local/state/hyperhive", "/h/.local/state/hyperhive/run"),
        ({"HOME": "/h", "XDG_RUNTIME_DIR": "/r"}, False, "/h/.local/state/hyperhive", "/r/hyperhive"),
        ({"HOME": "/h", "XDG_STATE_HOME": "/x"}, False, "/x/hyperhive", "/x/hyperhive/run"),
        ({"HOME": "/h", "XDG_STATE_HOME": "", "XDG_RUNTIME_DIR": ""}, False, "/h/.local/state/hyperhive", None),
    ],
)
def test_where_things_are_by_default(environment: dict[str, str], root: bool, state: str, run: str | None) -> None:  # noqa: FBT001
    config = configure({}, environment, root=root)
    assert str(config.state_dir) == state
    assert str(config.run_dir) == (run or f"{state}/run")


def test_the_command_line_wins_over_the_file(tmp_path: Path) -> None:
    path = tmp_path / "hive.toml"
    path.write_text("state-dir = '/a'\npoll_interval = 3\n[agent]\nrunner-command = ['echo', 'two words']\n")
    given: dict[str, str | bool] = {"config": str(path), "state-dir": "/b", "stop-agents": True}
    config = configure(given, {"HOME": "/home/bee"}, root=False)
    assert (str(config.state_dir), config.poll_interval, config.stop_agents) == ("/b", 3.0, True)
    assert config.runner_command == ("echo", "two words")


def test_the_runner_and_its_model_can_be_set_for_all_agents(tmp_path: Path) -> None:
    path = tmp_path / "hive.toml"
    path.write_text("[agent]\nrunner = 'claude'\nmodel = 'm-1'\ncontext_tokens = 1000\n")
    config = configure({"config": str(path)}, {"HOME": "/home/bee"}, root=False)
    assert (config.runner, config.model, config.context_tokens) == ("claude", "m-1", 1000)


def test_variables_of_all_agents_can_be_set_and_a_wrong_one_is_named(tmp_path: Path) -> None:
    path = tmp_path / "hive.toml"
    path.write_text("[agent]\nenvironment = { LANG = 'C.UTF-8' }\n")
    assert configure({"config": str(path)}, {"HOME": "/home/bee"}, root=False).environment == {"LANG": "C.UTF-8"}
    path.write_text("[agent]\nenvironment = { HIVE_AGENT = 'bee' }\n")
    with pytest.raises(StartupError, match=r"'agent.environment' in .* must be a table of variables, and of these 'HI"):
        configure({"config": str(path)}, {"HOME": "/home/bee"}, root=False)


def test_who_is_started_again_is_said_for_all_for_the_manager_and_for_each(tmp_path: Path) -> None:
    path = tmp_path / "hive.toml"
    path.write_text(
        "[restart]\npolicy = 'on-crash'\nmanager = 'no'\nattempts = 2\nlongest-pause = 9\n"
        "[agents.bob]\nrestart = 'no'\n"
    )
    policy = configure({"config": str(path)}, {"HOME": "/home/bee"}, root=False).restart
    assert [policy.restarts(name) for name in ("alice", "bob", "manager")] == [True, False, False]
    assert (policy.attempts, policy.longest_pause) == (2, 9.0)


def test_of_the_manager_too_its_own_section_beats_what_is_said_elsewhere(tmp_path: Path) -> None:
    path = tmp_path / "hive.toml"
    path.write_text("[agents.manager]\nrestart = 'no'\n[agents.bob]\n")
    policy = configure({"config": str(path)}, {"HOME": "/home/bee"}, root=False).restart
    assert [policy.restarts(name) for name in ("bob", "manager")] == [False, False]
