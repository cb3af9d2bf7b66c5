"""Everywhere but on the test host the contract is held against the `local` backend alone; see tests/host."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.contract.world import LocalWorld, World
from tests.daemon.conftest import short_lived


@pytest.fixture(scope="package")
def world() -> Iterator[World]:
    """A hive that is up."""
    with short_lived() as hive:
        world = LocalWorld(hive)
        world.start()
        yield world
