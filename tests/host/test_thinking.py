"""Agents that think by the real CLI, in real machines; the model alone is a stand-in."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.claude import cli
from tests.claude.story import play, stand_in
from tests.host.hives import NspawnHive, call


@pytest.fixture
def image(state: Path, agent_image: Path) -> Path:
    """The agents' image, with the CLI in it."""
    image = state / "image"
    call("cp", "--archive", "--reflink=auto", str(agent_image), str(image))
    call("install", "--mode=755", str(cli.claude()), str(image / "usr/local/bin/claude"))
    return image


@pytest.fixture
def hive(state: Path, image: Path) -> Iterator[NspawnHive]:
    """A hive whose machines share the host's network, where the stand-in is."""
    hive = NspawnHive(state, image, network="host")
    with stand_in(state) as url:
        variables = {"ANTHROPIC_BASE_URL": url, "ANTHROPIC_API_KEY": "dummy"}
        said = ", ".join(f"{name} = {json.dumps(value)}" for name, value in variables.items())
        config = hive.base / "hive.toml"
        config.write_text(f'{hive.configuration}\n[agent]\nrunner = "claude"\nenvironment = {{ {said} }}\n')
        hive.start_bare(*hive.places(), "--containers", "nspawn", "--config", str(config), environment=dict(os.environ))
        yield hive
        hive.end()


@pytest.mark.deadline(240)
def test_a_wish_becomes_an_agent_that_answers_and_asks_and_is_answered(hive: NspawnHive) -> None:
    play(hive)
