"""The daemon as a service of a real systemd: readiness, restarts, the watchdog, the group, and its hardening."""

from __future__ import annotations

import json
import os
import pwd
import signal
import socket
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.daemon.freezing import frozen_writers, killed
from tests.daemon.harness import ends
from tests.host.conftest import call

HIVECTL = str(Path(sys.executable).with_name("hivectl"))
RUN = Path("/run/hyperhive")
STATE = Path("/var/lib/hyperhive")
SETTINGS = Path("/etc/hyperhive.toml")
OPERATOR = "bee"
PATIENCE = 30
WITH_A_SHORT_WATCHDOG = "[Service]\nWatchdogSec=2\n"


@pytest.fixture
def service() -> Iterator[None]:
    """The service as installed, and not started; nothing is left of it at the end."""
    call(HIVECTL, "install")
    SETTINGS.write_text('containers = "local"\nagent_command = ["sleep", "1000"]\n')
    call("systemd-sysusers")
    call("systemctl", "daemon-reload")
    yield
    # Where nothing runs there is nothing to kill, and where nothing failed, nothing to forget.
    for words in (("kill", "--kill-who=all", "--signal=KILL"), ("stop",), ("reset-failed",)):
        subprocess.run(["systemctl", *words, "hyperhive"], check=False, capture_output=True, timeout=PATIENCE)
    SETTINGS.unlink()
    call("rm", "-rf", "/etc/systemd/system/hyperhive.service.d", str(STATE), str(RUN))
    call(HIVECTL, "uninstall")
    call("systemctl", "daemon-reload")


@pytest.fixture
def local(service: None) -> None:
    """The service with the drop-in for local agents."""
    call(HIVECTL, "install", "--local")
    call("systemctl", "daemon-reload")


def start() -> int:
    """Start the service; returns the daemon's number once systemd takes it for started."""
    call("systemctl", "start", "hyperhive")
    return int(shown("MainPID"))


def shown(name: str) -> str:
    return call("systemctl", "show", "hyperhive", f"--property={name}", "--value")


def hivectl(*words: str) -> Any:
    """The daemon's answer."""
    return json.loads(call(HIVECTL, "--json", *words))


def spawned(name: str) -> int:
    """A new agent, and its process."""
    call(HIVECTL, "spawn", name)
    return int(json.loads((STATE / "runtime" / name / "run.json").read_text())["leader"])


def states() -> dict[str, Any]:
    """How each agent stands."""
    return {row["name"]: row for row in hivectl("agents")["agent_statuses"]}


def add_settings(text: str) -> None:
    path = Path("/etc/systemd/system/hyperhive.service.d/test.conf")
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
    call("systemctl", "daemon-reload")


def restarted_by_the_watchdog(pid: int) -> bool:
    """Whether that daemon ends, and systemd says that it was the watchdog's doing, and starts another."""
    assert ends(pid)
    call("journalctl", "--sync")
    subprocess.run(
        ["timeout", str(PATIENCE), "sh", "-c", "until systemctl -q is-active hyperhive; do sleep 0.1; done"], check=True
    )
    unit = call("journalctl", "--unit=hyperhive", "--boot", "--output=cat")
    return "Watchdog timeout" in unit and int(shown("NRestarts")) >= 1 and int(shown("MainPID")) not in {0, pid}


def test_it_is_started_when_the_operator_s_socket_takes_requests(service: None) -> None:
    start()
    with socket.socket(socket.AF_UNIX) as operator:
        operator.connect(str(RUN / "host.sock"))
    assert (shown("ActiveState"), shown("SubState")) == ("active", "running")
    assert shown("StatusText") == f"up; the sockets are under {RUN}"


def test_the_hardened_service_keeps_its_files_and_asks_the_system_bus(service: None) -> None:
    pid = start()
    assert stat.S_IMODE(STATE.stat().st_mode) == 0o700
    assert Path(f"/proc/{pid}/status").read_text().split("NoNewPrivs:\t")[1][0] == "1"
    namespace = ["nsenter", f"--target={pid}", "--mount"]
    assert call(*namespace, "busctl", "list", "--no-legend")
    assert call(*namespace, "journalctl", "--lines=1")
    refused = subprocess.run([*namespace, "touch", "/etc/mark"], check=False, capture_output=True, text=True)
    assert "Read-only file system" in refused.stderr


def test_a_start_that_fails_shows_why(service: None) -> None:
    SETTINGS.write_text('containers = "barrels"\n')
    assert subprocess.run(["systemctl", "start", "hyperhive"], check=False, capture_output=True).returncode
    call("journalctl", "--sync")
    assert "must be 'local'" in call("journalctl", "--unit=hyperhive", "--boot", "--output=cat")


def test_an_orderly_stop_ends_well(service: None) -> None:
    start()
    call("systemctl", "stop", "hyperhive")
    assert (shown("ActiveState"), shown("Result")) == ("inactive", "success")
    assert not (RUN / "host.sock").exists()
    assert RUN.is_dir()


def test_a_restart_keeps_local_agents(local: None) -> None:
    pid = start()
    agent = spawned("alice")
    call("systemctl", "restart", "hyperhive")
    assert int(shown("MainPID")) != pid
    os.kill(agent, 0)
    assert states()["alice"]["running"] is True
    assert spawned("bob") != agent


def test_a_killed_daemon_is_started_again_and_keeps_local_agents(local: None) -> None:
    pid = start()
    agent = spawned("alice")
    add_settings("[Service]\nRestartSec=0\n")
    os.kill(pid, signal.SIGKILL)
    assert ends(pid)
    call("sh", "-c", f"until [ $(systemctl show hyperhive -P MainPID) -gt 0 ] && {HIVECTL} list; do sleep 0.1; done")
    os.kill(agent, 0)
    assert states()["alice"]["running"] is True


def test_the_watchdog_ends_a_daemon_that_hangs_and_its_agents_stay(local: None) -> None:
    add_settings(WITH_A_SHORT_WATCHDOG)
    pid = start()
    agent = spawned("alice")
    os.kill(pid, signal.SIGSTOP)
    assert restarted_by_the_watchdog(pid)
    os.kill(agent, 0)
    assert states()["alice"]["running"] is True


def test_the_watchdog_ends_a_daemon_whose_database_hangs(service: None) -> None:
    add_settings(WITH_A_SHORT_WATCHDOG)
    pid = start()
    with frozen_writers(pid) as threads:
        killed(threads)
        assert restarted_by_the_watchdog(pid)


def test_the_watchdog_leaves_a_daemon_alone_that_has_nothing_to_do(service: None) -> None:
    add_settings(WITH_A_SHORT_WATCHDOG)
    pid = start()
    with pytest.raises(subprocess.TimeoutExpired):
        subprocess.run(["tail", f"--pid={pid}", "--follow", "/dev/null"], check=False, timeout=6)
    assert (int(shown("MainPID")), shown("NRestarts")) == (pid, "0")


def test_a_member_of_the_group_operates_the_hive_and_nobody_else(service: None) -> None:
    start()
    try:
        pwd.getpwnam(OPERATOR)
    except KeyError:
        call("useradd", "--no-create-home", OPERATOR)
    asking = """
import socket
connection = socket.socket(socket.AF_UNIX)
connection.connect("/run/hyperhive/host.sock")
connection.sendall(b'{"cmd":"list"}\\n')
print(connection.recv(1000).decode(), end="")
"""
    as_bee = ["setpriv", f"--reuid={OPERATOR}", f"--regid={OPERATOR}"]
    python = ["/usr/bin/python3", "-c", asking]
    inside = call(*as_bee, "--groups=hyperhive", *python)
    assert json.loads(inside)["agents"] == ["manager"]
    outside = subprocess.run([*as_bee, "--clear-groups", *python], check=False, capture_output=True, text=True)
    assert "Permission denied" in outside.stderr
