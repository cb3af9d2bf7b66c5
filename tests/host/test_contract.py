"""The contract of `tests/contract`, held against every backend that a real host has."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.contract.test_crashes import *  # noqa: F403 - the same tests, with the worlds of this host
from tests.contract.test_kept import *  # noqa: F403
from tests.contract.test_lifecycle import *  # noqa: F403
from tests.contract.world import LocalWorld, World
from tests.daemon.conftest import short_lived
from tests.host.hives import NspawnHive, call
from tests.host.worlds import NspawnWorld


@contextmanager
def local() -> Iterator[World]:
    with short_lived() as hive:
        yield LocalWorld(hive)


@contextmanager
def nspawn() -> Iterator[World]:
    base = Path(tempfile.mkdtemp(prefix="hive-", dir=os.environ["HYPERHIVE_TEST_HOST_STATE"]))
    hive = NspawnHive(base)
    try:
        yield NspawnWorld(hive)
    finally:
        hive.end()
        call("rm", "-rf", "--one-file-system", str(base))


@pytest.fixture(scope="module", params=[local, nspawn], ids=lambda backend: backend.__name__)
def world(request: pytest.FixtureRequest) -> Iterator[World]:
    """A hive that is up, on each backend."""
    with request.param() as world:
        world.start()
        yield world
