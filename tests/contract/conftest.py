"""Everywhere but on the test host the contract is held against the `local` backend alone; see tests/host."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.contract.nursery import Nursery
from tests.contract.world import LocalWorld, World
from tests.daemon.conftest import short_lived


@pytest.fixture(scope="package")
def world() -> Iterator[World]:
    """A hive that is up."""
    with short_lived() as hive:
        world = LocalWorld(hive)
        world.start()
        yield world


@pytest.fixture
def nursery(world: World) -> Iterator[Nursery]:
    """No daemon runs on the world, till the end."""
    world.kill_daemon()
    nursery = Nursery()
    try:
        yield nursery
    finally:
        nursery.end()
        world.start()
