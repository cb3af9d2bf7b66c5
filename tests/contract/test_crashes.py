"""Agents that end unasked, on every backend: each end is told to the manager once, with its cause."""

from __future__ import annotations

import signal
from collections.abc import Callable

import pytest

from tests.contract.world import World, kill
from tests.daemon.harness import ends

WAYS: dict[str, Callable[[World, str], object]] = {
    "its program ends well": lambda world, name: world.order(name, "exit", status=0),
    "its program ends with status 3": lambda world, name: world.order(name, "exit", status=3),
    "SIGKILL of its first process": lambda world, name: kill(world.leader(name), signal.SIGKILL),
    "SIGTERM of its program": lambda world, name: kill(world.program(name), signal.SIGTERM),
}


@pytest.mark.parametrize("way", WAYS)
def test_a_crash_is_told_once_with_its_cause_and_the_agent_can_be_started_again(world: World, way: str) -> None:
    name = world.spawn()
    other = world.spawn()
    WAYS[way](world, name)
    assert world.heard(name, "container_crash") == {
        "event": "container_crash",
        "agent": name,
        "note": world.notes[way],
    }
    row = world.status(name)
    assert (row["running"], row["failed"], row["failure"]) == (False, True, world.notes[way])
    world.ask("start", name=name)
    row = world.status(name)
    assert (row["running"], row["failed"], row["generation"]) == (True, False, 2)
    assert world.told(name, "ask", cmd="whoami")["generation"] == 2
    assert world.history(name) == ["spawned", "container_crash", "destroyed"]
    assert world.history(other) == ["spawned", "destroyed"]


def test_every_crash_is_told_even_one_after_the_other(world: World) -> None:
    name = world.spawn()
    for crash in range(3):
        kill(world.leader(name), signal.SIGKILL)
        world.read_until(lambda _, crash=crash: len(world.events(name)) == crash + 2)  # type: ignore[misc]
        world.ask("restart", name=name)
    assert world.history(name) == ["spawned", *["container_crash"] * 3, "destroyed"]


def test_an_agent_that_was_stopped_on_purpose_did_not_crash(world: World) -> None:
    name = world.spawn()
    world.ask("stop", name=name, graceful=False)
    world.ask("start", name=name)
    world.ask("restart", name=name)
    assert world.history(name) == ["spawned", "killed", "destroyed"]


def test_mail_that_a_crashed_agent_held_comes_again_marked(world: World) -> None:
    name = world.spawn()
    world.order(name, "ask", cmd="recv", max=1)
    held = world.order(name, "exit", status=3)
    world.read_until(lambda row: row["from"] == name and f'"id": {held}' in row["body"])
    kill(world.leader(name), signal.SIGKILL)
    world.heard(name, "container_crash")
    world.ask("start", name=name)
    # Read this time, the same order ends it.
    world.read_until(lambda _: [it["event"] for it in world.events(name)].count("container_crash") == 2)
    assert world.events(name)[-1]["note"] == world.notes["its program ends with status 3"]
    rows = {row["id"]: row for row in world.ask("messages", agent=name, limit=10)["messages"]}
    assert rows[held]["attempts"] == 1
    assert world.history(name) == ["spawned", "container_crash", "container_crash", "destroyed"]


def test_agents_outlive_their_daemon_and_their_programs_speak_to_the_next(world: World) -> None:
    names = world.spawn(), world.spawn()
    before = {name: (world.leader(name), world.status(name)) for name in names}
    for name in names:
        world.told(name, "tell")
    world.kill_daemon()
    world.start()
    for name in names:
        assert world.told(name, "ask", cmd="whoami")["generation"] == 1
        leader, row = before[name]
        assert world.leader(name) == leader
        assert world.status(name)["since"] == row["since"]
        assert world.history(name) == ["spawned", "destroyed"]


@pytest.mark.parametrize("way", ["SIGKILL of its first process", "SIGTERM of its program"])
def test_an_end_while_the_daemon_was_away_is_told_once_when_it_is_back(world: World, way: str) -> None:
    name = world.spawn()
    world.told(name, "tell")
    leader = world.leader(name)
    world.kill_daemon()
    WAYS[way](world, name)
    assert ends(leader)
    world.start()
    assert world.heard(name, "container_crash")["note"] == world.notes[way]
    world.kill_daemon()
    world.start()
    assert world.status(name)["failed"]
    world.ask("start", name=name)
    assert world.told(name, "tell")["HIVE_GENERATION"] == "2"
    assert world.history(name) == ["spawned", "container_crash", "destroyed"]
