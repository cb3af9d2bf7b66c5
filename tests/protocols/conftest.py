"""A stage for conversations over real Unix sockets."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_twisted

from hyperhive.wire.codec import MANAGER
from tests.protocols.scripted_desk import ScriptedDesk
from tests.protocols.stage import Client, Stage


@pytest_twisted.async_yield_fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage]:
    """A stage with its socket in a temporary directory."""
    made = Stage(tmp_path / "mcp.sock")
    yield made
    await made.close()


@pytest.fixture
def desk(stage: Stage) -> ScriptedDesk:
    made = ScriptedDesk()

    def at(look: Any) -> ScriptedDesk:
        made.look = look
        return made

    stage.serve(MANAGER, at)
    return made


@pytest.fixture
def client(stage: Stage, desk: ScriptedDesk) -> Client:
    return stage.client()
