"""SIGKILL to a machine, or to the daemon, at each step of a turn of an agent in it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.agent.halting import STEPS, Standstill, first_child, program, settings
from tests.contract.world import agent_command
from tests.host.worlds import scratch

PYTHON = "/opt/hyperhive/bin/python3"


@pytest.fixture(scope="module")
def standstill() -> Iterator[Standstill]:
    """A hive of machines."""
    with scratch() as hive:
        config = hive.base / "hive.toml"
        config.write_text(settings() + hive.configuration)

        def start() -> None:
            places = hive.places()
            hive.start_bare(*places, "--containers", "nspawn", "--config", str(config), *agent_command(program(PYTHON)))

        start()
        yield Standstill(hive, start, lambda name: first_child(hive.leader(name)), hive.leader)


def test_a_turn_goes_through_these_steps_and_no_others(standstill: Standstill) -> None:
    assert set(standstill.goes_through("undisturbed")) == set(STEPS)


@pytest.mark.parametrize("step", STEPS)
def test_the_machine_is_killed(standstill: Standstill, step: str) -> None:
    standstill.kill_at(step, "c")


@pytest.mark.parametrize("step", STEPS)
def test_the_daemon_is_killed(standstill: Standstill, step: str) -> None:
    standstill.kill_at(step, "d")
