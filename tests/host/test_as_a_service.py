"""What an operator does first, by the documentation: install, an image, `nspawn` with its own network, all hardened."""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.daemon.client import Client, event
from tests.host.conftest import call
from tests.host.internet import networkd

HIVECTL = str(Path(sys.executable).with_name("hivectl"))
RUN = Path("/run/hyperhive")
STATE = Path("/var/lib/hyperhive")
SETTINGS = Path("/etc/hyperhive.toml")


@pytest.fixture
def service(agent_image: Path, state: Path) -> Iterator[None]:
    """The service as installed and started, on the image of this host; nothing is left of it at the end."""
    call(HIVECTL, "install")
    SETTINGS.write_text(f'containers = "nspawn"\nagent_command = ["sleep", "inf"]\n[nspawn]\nimage = "{agent_image}"\n')
    call("systemd-sysusers")
    call("systemctl", "daemon-reload")
    STATE.mkdir(mode=0o700)
    call("mount", "--bind", str(state), str(STATE))  # the test host's own root is an overlay, which takes no other
    with networkd():
        call("systemctl", "start", "hyperhive")
        yield
        for name in [*running(), "manager"]:
            hivectl("stop", name)
        call("systemctl", "stop", "hyperhive")
    SETTINGS.unlink()
    call("umount", str(STATE))
    call("rm", "-rf", str(STATE), str(RUN))
    call(HIVECTL, "uninstall")
    call("systemctl", "daemon-reload")


def hivectl(*words: str) -> Any:
    return json.loads(call(HIVECTL, "--json", *words))


def running() -> dict[str, str]:
    """The leader of each agent's machine that runs."""
    rows = hivectl("agents")["agent_statuses"]
    return {row["name"]: leader(row["name"]) for row in rows if row["running"]}


def leader(name: str) -> str:
    return call("machinectl", "show", f"h-{name}", "--property=Leader", "--value")


def test_agents_run_in_machines_with_a_network_of_their_own(service: None) -> None:
    hivectl("spawn", "alice")
    assert running().keys() == {"alice", "manager"}
    inside = call("nsenter", f"--net=/proc/{leader('alice')}/ns/net", "ip", "-brief", "-4", "address", "show", "host0")
    assert "10.215." in inside


def test_a_restart_of_the_service_leaves_the_machines_alone(service: None) -> None:
    hivectl("spawn", "alice")
    before = running()
    call("systemctl", "restart", "hyperhive")
    assert running() == before
    hivectl("restart", "alice")
    assert running().keys() == before.keys()


def test_a_crash_is_heard_with_its_cause(service: None) -> None:
    hivectl("spawn", "alice")
    with Client(RUN / "manager/mcp.sock") as manager:
        assert event(manager.ask("recv", wait_seconds=20))["event"] == "spawned"
        os.kill(int(leader("alice")), signal.SIGKILL)
        told = event(manager.ask("recv", wait_seconds=20))
    assert told == {"event": "container_crash", "agent": "alice", "note": "killed by SIGKILL"}


def test_the_daemon_ends_before_the_machines_when_the_host_stops(service: None) -> None:
    hivectl("spawn", "alice")
    assert "hyperhive-alice.service" in call("systemctl", "show", "hyperhive", "--property=After", "--value").split()
