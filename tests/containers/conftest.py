"""A hive of shell scripts, a message bus, and a look at what a test left behind."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
import pytest_twisted

from hyperhive.containers import proc
from hyperhive.containers.system_bus import SystemBus
from hyperhive.layout import Layout
from tests.containers.buses import Bus, Systemd
from tests.containers.on_bus import a_systemd, becomes_open, closed
from tests.containers.processes import process_descriptors
from tests.containers.scripts import Hive
from tests.containers.tarballs import SlowTar, Tarball
from tests.containers.telling import Hints


@pytest.fixture
def reactor() -> Any:
    from twisted.internet import reactor

    return reactor


@pytest.fixture
def bus(reactor: Any, tmp_path: Path) -> Iterator[Bus]:
    """A real message bus, with nobody on it."""
    bus = Bus(reactor, tmp_path)
    bus.start()
    yield bus
    bus.close()


@pytest_twisted.async_yield_fixture
async def hive(tmp_path: Path) -> AsyncIterator[Hive]:
    from twisted.internet import reactor

    it = Hive(reactor, Layout(state=tmp_path / "state", run=tmp_path / "run"))
    yield it
    await it.end()


@pytest.fixture(autouse=True)
def no_process_left(tmp_path: Path) -> Iterator[None]:
    """Fail a test after which a process descriptor is open, or something runs with the test's directory in mind."""
    before = process_descriptors()
    yield
    assert process_descriptors() == before
    mark = os.fsencode(tmp_path / "state")
    left = [pid for pid in proc.ours() if any(mark in value for value in proc.environment(pid).values())]
    assert not left


@pytest_twisted.async_yield_fixture
async def systemd(bus: Bus) -> AsyncIterator[Systemd]:
    systemd = await a_systemd(bus)
    yield systemd
    await closed(systemd.connection)


@pytest_twisted.async_yield_fixture
async def system(bus: Bus) -> AsyncIterator[SystemBus]:
    """Not opened yet."""
    system = SystemBus(bus.reactor, bus.address, pauses=lambda _: 0.0, patience=2.0)
    yield system
    await system.close()


@pytest.fixture
def hints() -> Hints:
    return Hints()


@pytest_twisted.async_fixture
async def opened(system: SystemBus, systemd: Systemd, hints: Hints) -> SystemBus:
    await becomes_open(system, hints)
    return system


@pytest.fixture
def tarball(reactor: Any, tmp_path: Path) -> Tarball:
    it = Tarball(reactor, tmp_path)
    it.pack()
    return it


@pytest.fixture
def slow_tar(reactor: Any, tarball: Tarball, monkeypatch: pytest.MonkeyPatch) -> Iterator[SlowTar]:
    it = SlowTar(reactor, tarball.directory / "slow")
    monkeypatch.setenv("PATH", f"{it.directory}:{os.environ['PATH']}")
    yield it
    it.told.close()
