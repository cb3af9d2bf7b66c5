"""A state directory with the repositories of one agent, and somebody who writes the proposed one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import pytest_twisted

from hyperhive.layout import Layout
from hyperhive.repositories.repositories import Repositories
from tests.repositories.hostile import Trap
from tests.repositories.manager import DEFAULT, NAME, Manager


@pytest.fixture
def reactor() -> Any:
    from twisted.internet import reactor

    return reactor


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    state = tmp_path / "state"
    for part in ("applied", "proposed"):
        (state / part).mkdir(parents=True)
    return Layout(state=state, run=tmp_path / "run")


@pytest.fixture
def repositories(reactor: Any, layout: Layout) -> Repositories:
    return Repositories(reactor, layout, lambda _: DEFAULT)


@pytest_twisted.async_fixture
async def manager(repositories: Repositories, layout: Layout) -> Manager:
    await repositories.make(NAME, None)
    return Manager(layout.proposed(NAME))


@pytest.fixture
def trap(manager: Manager, layout: Layout, tmp_path: Path) -> Iterator[Trap]:
    trap = Trap(manager, layout, tmp_path / "outside")
    yield trap
    trap.check()
