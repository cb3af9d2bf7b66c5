"""The real CLI, the real tool server and the real daemon, end to end, with a stand-in of the model alone."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.claude.story import play, stand_in
from tests.daemon.conftest import short_lived
from tests.daemon.harness import Hive


@pytest.fixture
def hive(claude: Path) -> Iterator[Hive]:
    """A hive on `local` whose agents think by the real CLI; they see nothing of whoever runs the tests."""
    with short_lived() as hive, stand_in(hive.base) as url:
        home = hive.base / "home"
        home.mkdir()
        config = hive.base / "hive.toml"
        config.write_text('[agent]\nrunner = "claude"\n')
        environment = {
            "PATH": os.pathsep.join([str(claude.parent), "/usr/bin", "/bin"]),
            "HOME": str(home),
            "ANTHROPIC_BASE_URL": url,
            "ANTHROPIC_API_KEY": "dummy",
        }
        hive.start_bare(*hive.places(), "--config", str(config), environment=environment)
        yield hive


@pytest.mark.deadline(180)
def test_a_wish_becomes_an_agent_that_answers_and_asks_and_is_answered(hive: Hive) -> None:
    play(hive)
