"""SIGKILL to the daemon in every step of a deploy, on every backend: the next one finishes it or undoes it, once."""

from __future__ import annotations

from itertools import cycle

import pytest

from tests.contract.nursery import Nursery
from tests.contract.test_configs import hue, request, resolved, tags
from tests.contract.world import World

PATHS = {"good": ("", "approved", "deployed", 1), "bad": ('DIES = "1"\n', "failed", "failed", 2)}


@pytest.mark.deadline(600)
@pytest.mark.parametrize("path", PATHS)
def test_a_deploy_is_finished_or_undone_wherever_its_daemon_was_killed(
    world: World, nursery: Nursery, path: str
) -> None:
    nursery.bear(world.options(), world.backend, "", "", 0)
    world.connect()
    names = world.spawn(), world.spawn()
    starts, died, left = dict.fromkeys(names, 1), list[str](), None
    nursery.kill()
    for name in cycle(names):
        nursery.bear(world.options(), world.backend, name, "deploy", len(died) + 1)
        world.connect()
        if left is not None:
            took_up(world, *left, died[-1])
        shade = f"shade-{len(died)}"
        id_ = request(world, name, f'[environment]\nHUE = "{shade}"\n{PATHS[path][0]}')
        starts[name] += PATHS[path][3]
        left = name, id_, path, starts[name], shade if path == "good" else None
        if approved(world, id_):
            took_up(world, *left, "not")
            break
        died.append(nursery.dies())
        nursery.gone()
    nursery.kill()
    print(*died, sep="\n")  # shown where the count below is wrong
    assert len(died) > 10


def approved(world: World, id_: int) -> bool:
    """Approve; whether the daemon lives until that has come to an end."""
    try:
        world.ask("approve", id=id_)
        resolved(world, id_)
        resolved(world, id_)  # as it may die once more after the end is on disk
    except (EOFError, ConnectionError):
        return False
    return True


def took_up(world: World, name: str, id_: int, path: str, starts: int, shade: str | None, died: str) -> None:
    """The deploy has ended as it should, with one effect: one start, or one and one back, and told once."""
    where = f"the daemon died {died}"
    _, status, tag, _ = PATHS[path]
    approval = resolved(world, id_)
    assert approval["status"] == status, (where, approval)
    assert world.counts(name)[:2] == (True, starts), where
    assert hue(world, name) == shade, where
    found = {it.partition("/")[0] for it in tags(world, name) if it.endswith(f"/{id_}")}
    assert found == {"proposal", "approved", "building", tag}, where
    world.read_until(lambda _: resolutions(world, name)[-1:] == [id_])
    told = resolutions(world, name)
    assert len(told) == len(set(told)) == len([it for it in world.events(name) if it["event"] == "rebuilt"]), where


def resolutions(world: World, name: str) -> list[int]:
    """The approvals of the agent whose end the manager has heard of."""
    return [it["id"] for it in world.events(name) if it["event"] == "approval_resolved"]
