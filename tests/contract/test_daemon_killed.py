"""SIGKILL to the daemon in every step of a spawn and of a destruction, on every backend: the next one finishes it."""

from __future__ import annotations

from tests.contract.nursery import Nursery
from tests.contract.world import World


def test_a_spawn_and_a_destruction_are_finished_wherever_their_daemon_was_killed(
    world: World, nursery: Nursery
) -> None:
    died: dict[str, list[str]] = {"spawn": [], "destroy": []}
    unfinished = {"spawn", "destroy"}
    destroyed = ""
    while unfinished:
        name = world.new_name()
        for kind, steps in died.items():
            step = len(steps) + 1 if kind in unfinished else 0
            nursery.bear(world.options(), world.backend, name, kind, step)
            world.connect()
            if kind == "destroy":
                took_up_the_spawn(world, name, died["spawn"])
            elif destroyed:
                took_up_the_destruction(world, destroyed, died["destroy"])
            if completes(world, kind, name):
                unfinished.discard(kind)
                nursery.kill()
            else:
                steps.append(nursery.dies())
                nursery.gone()
        destroyed = name
    nursery.bear(world.options(), world.backend, "", "", 0)
    world.connect()
    took_up_the_destruction(world, destroyed, died["destroy"])
    nursery.kill()
    print(*died["spawn"], *died["destroy"], sep="\n")  # shown where the count below is wrong
    assert min(len(steps) for steps in died.values()) > 10


def completes(world: World, kind: str, name: str) -> bool:
    """Ask for the operation; whether the daemon lives to its end."""
    try:
        world.ask(kind, name=name, wait=False, **({"purge": True} if kind == "destroy" else {}))
        world.settled(name)
    except (EOFError, ConnectionError):
        return False
    return True


def took_up_the_spawn(world: World, name: str, died: list[str]) -> None:
    """The daemon that is up has finished the spawn, and it was one spawn and one start."""
    where = f"the daemon died {died[-1:]}"
    assert [(row["kind"], row["state"]) for row in world.settled(name)] == [("spawn", "succeeded")], where
    assert world.counts(name) == (True, 1, 0), where
    assert world.told(name, "tell")["HIVE_GENERATION"] == "1", where
    world.heard(name, "spawned")
    assert [it["event"] for it in world.events(name)] == ["spawned"], where


def took_up_the_destruction(world: World, name: str, died: list[str]) -> None:
    """The daemon that is up has finished the destruction, and nothing is left of the agent."""
    where = f"the daemon died {died[-1:]}"
    states = [(row["kind"], row["state"]) for row in world.settled(name)]
    assert states == [("spawn", "succeeded"), ("destroy", "succeeded")], where
    assert world.remains(name) == [], where
    assert name not in world.ask("list")["agents"], where
    world.heard(name, "destroyed")
    assert [it["event"] for it in world.events(name)] == ["spawned", "destroyed"], where
