"""Facts of a system bus in a test: who is on it, what it refuses, and what has arrived."""

from __future__ import annotations

from typing import Any

import pytest

from hyperhive.containers.bus_session import BUS
from hyperhive.containers.dbus import Connection
from hyperhive.containers.system_bus import SystemBus
from hyperhive.errors import ContainerError
from tests.containers.buses import Bus, Systemd
from tests.containers.telling import Hints

ALICE = "hyperhive-alice.service"


async def a_systemd(bus: Bus) -> Systemd:
    systemd = Systemd(await bus.connect())
    await systemd.own()
    return systemd


async def becomes_open(system: SystemBus, hints: Hints) -> None:
    hint = hints.next()
    system.open(hints)
    await hint
    assert system.blind is None


async def closed(connection: Connection) -> None:
    connection.close()
    if not connection.ended.called:
        await connection.ended


async def refusal(call: Any) -> str:
    with pytest.raises(ContainerError) as error:
        await call
    return str(error.value)


async def everything_arrived(system: SystemBus) -> None:
    """What the bus sent us before this answer has come before it."""
    await system._listening.session().call(BUS, "GetId")
