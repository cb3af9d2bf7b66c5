"""The contract of `tests/contract`, held against every backend that a real host has."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.contract.conftest import nursery  # noqa: F401 - a fixture of these tests
from tests.contract.test_configs import *  # noqa: F403 - the same tests, with the worlds of this host
from tests.contract.test_crashes import *  # noqa: F403
from tests.contract.test_daemon_killed import *  # noqa: F403
from tests.contract.test_deploy_killed import *  # noqa: F403
from tests.contract.test_kept import *  # noqa: F403
from tests.contract.test_lifecycle import *  # noqa: F403
from tests.contract.world import World
from tests.host.machines import MACHINES
from tests.host.worlds import local


@pytest.fixture(scope="module", params=[local, *MACHINES], ids=lambda backend: backend.__name__)
def world(request: pytest.FixtureRequest) -> Iterator[World]:
    """A hive that is up, on each backend."""
    with request.param() as world:
        world.start()
        yield world
