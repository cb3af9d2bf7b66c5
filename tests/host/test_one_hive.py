"""Machines and their units have names that are the whole host's: one daemon has them all."""

from __future__ import annotations

import subprocess
from pathlib import Path

from tests.daemon.harness import command
from tests.host.hives import NspawnHive


def test_a_second_daemon_with_machines_is_refused_and_the_first_keeps_them(state: Path, agent_image: Path) -> None:
    hive = NspawnHive(state, agent_image)
    try:
        hive.open()
        with hive.host() as host:
            assert host.ask("spawn", name="alice")["ok"]
        leader = hive.leader("alice")
        other = state / "o"
        places = ("--state-dir", str(other / "state"), "--run-dir", str(other / "run"))
        other.mkdir()
        second = subprocess.run(
            command(*places, "--containers", "nspawn"), capture_output=True, text=True, timeout=30, check=False
        )
        assert second.returncode == 1
        assert "another hyperhive daemon has machines on this host" in second.stderr
        assert hive.leader("alice") == leader
    finally:
        hive.end()
