"""What holds for machines alone: others can end them too, and of their root only the home and the state are kept."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from tests.daemon.harness import ends
from tests.host.hives import call
from tests.host.machines import MACHINES
from tests.host.worlds import MachineWorld

TOOLS: dict[str, tuple[Callable[[MachineWorld, str], object], str]] = {
    "machinectl terminate": (lambda _, name: call("machinectl", "terminate", f"h-{name}"), "stopped from outside"),
    "systemctl stop": (lambda world, name: call("systemctl", "stop", world.unit(name)), "stopped from outside"),
    "systemctl kill": (
        lambda world, name: call("systemctl", "kill", "--signal=KILL", world.unit(name)),
        "killed by SIGKILL",
    ),
}


@pytest.fixture(scope="module", params=MACHINES, ids=lambda backend: backend.__name__)
def world(request: pytest.FixtureRequest) -> Iterator[MachineWorld]:
    """A hive that is up, on each backend of machines."""
    with request.param() as world:
        world.start()
        yield world


@pytest.mark.parametrize("tool", TOOLS)
def test_an_end_by_the_tools_of_the_host_is_told_once_with_its_cause(world: MachineWorld, tool: str) -> None:
    name = world.spawn()
    end, cause = TOOLS[tool]
    end(world, name)
    assert world.heard(name, "container_crash")["note"] == cause
    world.ask("start", name=name)
    assert world.told(name, "tell")["HIVE_GENERATION"] == "2"
    assert world.history(name) == ["spawned", "container_crash", "destroyed"]


@pytest.mark.parametrize("tool", TOOLS)
def test_an_end_by_the_tools_of_the_host_while_the_daemon_was_away_is_told_once(world: MachineWorld, tool: str) -> None:
    name = world.spawn()
    leader = world.leader(name)
    end, cause = TOOLS[tool]
    world.kill_daemon()
    end(world, name)
    assert ends(leader)
    world.start()
    assert world.heard(name, "container_crash")["note"] == cause
    world.kill_daemon()
    world.start()
    world.ask("restart", name=name)
    assert world.told(name, "tell")["HIVE_GENERATION"] == "2"
    assert world.history(name) == ["spawned", "container_crash", "destroyed"]


@pytest.mark.parametrize("when", ["under the daemon", "while it was away"])
@pytest.mark.parametrize("cmd", ["start", "restart"])
def test_a_machine_that_others_restarted_has_crashed_once_and_is_set_right(
    world: MachineWorld, cmd: str, when: str
) -> None:
    name = world.spawn()
    leader = world.leader(name)
    if when == "while it was away":
        world.kill_daemon()
    call("systemctl", "restart", world.unit(name))
    assert ends(leader)
    if when == "while it was away":
        world.start()
    assert world.heard(name, "container_crash")["note"] == "stopped from outside"
    world.ask(cmd, name=name)
    row = world.status(name)
    assert (row["running"], row["failed"], row["generation"]) == (True, False, 2)
    assert world.told(name, "tell")["HIVE_GENERATION"] == "2"
    assert world.history(name) == ["spawned", "container_crash", "destroyed"]


def test_the_home_is_kept_and_the_rest_of_the_root_is_not(world: MachineWorld) -> None:
    name = world.spawn()
    paths = ["~/note", "/tmp/note"]
    for path in paths:
        assert world.told(name, "write", path=path, text=path) == len(path)
    assert [world.told(name, "read", path=path) for path in paths] == paths
    world.ask("restart", name=name)
    assert [world.told(name, "read", path=path) for path in paths] == ["~/note", None]
    world.history(name, purge=False)
    world.ask("spawn", name=name)
    assert [world.told(name, "read", path=path) for path in paths] == ["~/note", None]
    assert world.history(name) == ["spawned", "destroyed"] * 2
