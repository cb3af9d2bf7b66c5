"""How a daemon starts: by options, by a file, by default, over what a dead one left; and how it ends."""

from __future__ import annotations

import json
import os
import signal
import stat
from pathlib import Path

import pytest

from tests.daemon.harness import Daemon, Hive, as_nobody, command

ENVIRONMENT = """
import json, os, socket

hive = socket.socket(socket.AF_UNIX)
hive.connect(os.environ["HIVE_SOCKET"])
body = json.dumps({key: value for key, value in os.environ.items() if key.startswith("HIVE_")})
hive.sendall(json.dumps({"cmd": "send", "to": "operator", "body": body}).encode() + b"\\n")
hive.recv(1000)
hive.recv(1000)
"""


def test_the_sockets_of_a_killed_daemon_are_replaced(hive: Hive) -> None:
    daemon = hive.start()
    assert hive.host().ask("spawn", name="alice")["ok"]
    daemon.kill()
    stale = [hive.run / "host.sock", hive.run / "manager/mcp.sock", hive.run / "agents/alice/mcp.sock"]
    assert all(stat.S_ISSOCK(path.lstat().st_mode) for path in stale)
    with pytest.raises(ConnectionRefusedError):
        hive.host()

    hive.start()
    assert hive.host().ask("list")["agents"] == ["alice", "manager"]
    assert hive.manager().ask("whoami")["role"] == "manager"
    assert hive.agent("alice").ask("whoami")["name"] == "alice"


def test_an_orderly_end_takes_the_sockets_away(hive: Hive) -> None:
    daemon = hive.start()
    daemon.terminate()
    assert not [path for path in hive.run.rglob("*") if path.is_socket()]
    assert daemon.process.returncode in (0, -signal.SIGTERM)


def test_logs_can_be_json_a_line_each(hive: Hive) -> None:
    daemon = hive.start("--log-format", "json")
    assert hive.host().ask("spawn", name="alice")["ok"]
    os.kill(hive.pid("alice"), signal.SIGKILL)
    daemon.wait_for("alice crashed")
    daemon.terminate()
    lines = [json.loads(line) for line in daemon.lines]
    assert all(line.keys() >= {"at", "level", "message"} for line in lines)
    (crash,) = [line for line in lines if "alice crashed" in line["message"]]
    assert crash["level"] == "warn"


def test_everything_can_stand_in_a_file_and_the_command_line_wins(hive: Hive) -> None:
    *_, command_line = hive.agent_command(ENVIRONMENT)
    path = hive.base / "hive.toml"
    path.write_text(
        f"""
        state-dir = "{hive.state}"
        run_dir = "{hive.base}/elsewhere"
        containers = "local"
        agent-command = {json.dumps(command_line)}
        poll-interval = 2.5
        log-format = "json"
        stop-agents = true
        hive = "apiary"
        dashboard = "off"
        home = "http://apiary.test/"

        [agent]
        runner = "command"
        runner_command = ["echo", "two words"]
        model = "m-1"
        context_tokens = 1000

        [mail]
        max-attempts = 2
        """
    )
    daemon = hive.start_bare("--config", str(path), "--run-dir", str(hive.run), "--log-format", "text")
    host = hive.host()
    assert host.ask("urls")["urls"] == {"home": "http://apiary.test/"}
    assert host.ask("subscribe")["ok"]
    assert hive.host().ask("restart", name="manager")["ok"]
    while (change := host.hear()["change"]).get("message", {}).get("from") != "manager":
        pass
    environment = json.loads(change["message"]["body"])
    assert environment["HIVE_AGENT"] == "manager"
    assert environment["HIVE_RUNNER_COMMAND"] == "echo 'two words'"
    told = [environment[name] for name in ("HIVE_RUNNER", "HIVE_MODEL", "HIVE_CONTEXT_TOKENS", "HIVE_STOP_GRACE")]
    assert told == ["command", "m-1", "1000", "10"]
    assert environment["HIVE_SOCKET"] == str(hive.run / "manager/mcp.sock")
    assert hive.manager().ask("whoami")["hive"] == "apiary"
    pid = hive.pid("manager")
    daemon.terminate()
    assert not daemon.lines[0].startswith("{")
    assert not Path(f"/proc/{pid}").exists()


@pytest.mark.parametrize("runtime", [True, False], ids=["with XDG_RUNTIME_DIR", "without"])
def test_an_ordinary_user_gets_directories_of_their_own(common: Path, hive: Hive, runtime: bool) -> None:  # noqa: FBT001
    hive.state = common / "home/.local/state/hyperhive"
    hive.run = common / "runtime/hyperhive" if runtime else hive.state / "run"
    environment = {"PATH": os.environ["PATH"], "HOME": str(common / "home")}
    if runtime:
        environment["XDG_RUNTIME_DIR"] = str(common / "runtime")
    words = as_nobody(*command("--agent-command", "sleep 1000"))
    daemon = Daemon(words, environment)
    hive.daemons.append(daemon)
    daemon.wait_for("the hive is up")
    assert hive.host().ask("list")["agents"] == ["manager"]
    assert (hive.state / "broker.sqlite").is_file()
    assert oct(hive.state.stat().st_mode & 0o777) == "0o700"
