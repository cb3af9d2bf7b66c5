"""The setting `containers` changed on a hive whose agents run."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.daemon.harness import command
from tests.host.hives import NspawnHive, call


@pytest.fixture
def hive(state: Path) -> Iterator[NspawnHive]:
    hive = NspawnHive(state)
    yield hive
    hive.end()
    call("rm", "-rf", str(hive.run))


def test_processes_are_not_doubled_by_machines(hive: NspawnHive) -> None:
    hive.start().terminate()
    before = hive.processes()
    refused = subprocess.run(
        command(*hive.places(), "--containers", "nspawn"), capture_output=True, text=True, timeout=60, check=False
    )
    assert (refused.returncode, refused.stderr) == (
        1,
        (
            "hyperhive: the agents of this hive run in containers of the kind 'local': set that again, stop them "
            "('hivectl stop NAME'), and then change it to 'nspawn'\n"
        ),
    )
    assert hive.processes() == before != []
    assert not call("machinectl", "list", "--no-legend")


def test_who_stops_the_agents_as_told_can_change_it(hive: NspawnHive) -> None:
    daemon = hive.start()
    assert hive.host().ask("stop", scope={"agent_names": ["manager"]})["ok"]
    daemon.terminate()
    hive.open()
    assert hive.host().ask("start", scope={"agent_names": ["manager"]})["ok"]
    assert hive.leader("manager") > 0
    assert hive.processes() == []
