"""Tests on a real systemd: they run inside the test host (`make test-host`) and nowhere else."""

from __future__ import annotations

import contextlib
import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.host.tarballs import small_copy

HERE = Path(__file__).parent
ON_TEST_HOST = "HYPERHIVE_TEST_HOST" in os.environ

Start = Callable[..., str]


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    if ON_TEST_HOST:
        return None
    if any(Path(argument.partition("::")[0]).resolve().is_relative_to(HERE) for argument in config.args):
        pytest.exit("tests/host runs on the test host alone: make test-host", returncode=4)
    return True


@pytest.fixture
def state(tmp_path: Path) -> Iterator[Path]:
    """An empty directory on a real disk, where an overlay's upper layer and an idmapped mount can be."""
    path = Path(os.environ["HYPERHIVE_TEST_HOST_STATE"]) / tmp_path.name
    path.mkdir(mode=0o755)
    yield path
    call("rm", "-rf", "--one-file-system", str(path))


@pytest.fixture
def agent_image() -> Path:
    """The tree that agents are made of; read-only."""
    return Path(os.environ["HYPERHIVE_TEST_HOST_AGENT_IMAGE"])


@pytest.fixture
def tree(state: Path, agent_image: Path) -> Path:
    """A copy of what sleeping takes of the agents' image, to be changed and packed."""
    return small_copy(agent_image, state / "tree")


@pytest.fixture
def host_tree() -> Path:
    """A tree that boots: the one that this host was made of; read-only."""
    return Path(os.environ["HYPERHIVE_TEST_HOST_TREE"])


@pytest.fixture
def start() -> Iterator[Start]:
    """Start transient services; they are stopped at the end, and what is left of them is forgotten."""
    started = []

    def start(unit: str, *command: str, **properties: str) -> str:
        settings = [f"--property={name}={value}" for name, value in properties.items()]
        started.append(unit)
        call("systemd-run", "--quiet", f"--unit={unit}", *settings, *command)
        return unit

    yield start
    for unit in started:
        with contextlib.suppress(subprocess.CalledProcessError):
            call("systemctl", "stop", unit)
        with contextlib.suppress(subprocess.CalledProcessError):
            call("systemctl", "reset-failed", unit)


def call(*command: str) -> str:
    """What `command` prints; it must succeed within half a minute."""
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, timeout=30).stdout.strip()
