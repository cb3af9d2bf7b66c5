"""SIGKILL at each step of a turn, to the real program or the real daemon: the mail is answered once all the same."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import pytest

from tests.agent.halting import STEPS, Standstill, program, settings
from tests.contract.world import agent_command
from tests.daemon.conftest import short_lived


@pytest.fixture(scope="module")
def standstill() -> Iterator[Standstill]:
    """A hive on `local`; an agent's program is the leader of what runs of it."""
    with short_lived() as hive:
        config = hive.base / "hive.toml"
        config.write_text(settings())

        def start() -> None:
            hive.start_bare(*hive.places(), "--config", str(config), *agent_command(program(sys.executable)))

        start()
        yield Standstill(hive, start, hive.pid, hive.pid)


def test_a_turn_goes_through_these_steps_and_no_others(standstill: Standstill) -> None:
    assert set(standstill.goes_through("undisturbed")) == set(STEPS)


@pytest.mark.parametrize("step", STEPS)
def test_the_agent_is_killed(standstill: Standstill, step: str) -> None:
    standstill.kill_at(step, "c")


@pytest.mark.parametrize("step", STEPS)
def test_the_daemon_is_killed(standstill: Standstill, step: str) -> None:
    standstill.kill_at(step, "d")


def test_the_runner_is_killed_when_it_has_said_a_part(standstill: Standstill) -> None:
    standstill.goes_through("half-a-word-r")
    assert standstill.noted("half-a-word-r", "runs") == ["0", "1"]
