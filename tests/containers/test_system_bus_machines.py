"""Machines on the system bus, told of by the real systemd-machined or by a stand-in."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest
import pytest_twisted

from hyperhive.containers.bus_session import MACHINED
from hyperhive.containers.dbus import CallRefused, Connection, variant
from hyperhive.containers.system_bus import Machine, SystemBus
from tests.containers.buses import Bus, Systemd, end, machined
from tests.containers.on_bus import closed, refusal
from tests.containers.telling import Hints


@pytest_twisted.async_fixture
async def real_machined(bus: Bus, opened: SystemBus, hints: Hints) -> subprocess.Popen[bytes]:
    there = hints.next()
    program = bus.start_machined()
    await there
    return program


@pytest.fixture
def leader() -> Iterator[subprocess.Popen[bytes]]:
    leader = subprocess.Popen(["sleep", "1000"])
    yield leader
    end(leader)


async def create_machine(connection: Connection, leader: int, properties: list[Any]) -> None:
    identity = bytearray(os.urandom(16))
    body = ["h-alice", identity, "systemd-nspawn", "container", leader, "", properties]
    await connection.call(MACHINED, "CreateMachine", "sayssusa(sv)", *body)


async def test_a_machine_hints_when_it_comes_and_when_it_goes(
    real_machined: object, opened: SystemBus, systemd: Systemd, hints: Hints, leader: subprocess.Popen[bytes]
) -> None:
    assert await opened.machines() == {}
    came = hints.next()
    await create_machine(systemd.connection, leader.pid, [])
    await came
    (scope,) = systemd.units
    assert await opened.machines() == {"h-alice": Machine("h-alice", scope, leader.pid)}
    gone = hints.next()
    systemd.vanish(scope)
    await gone
    assert await opened.machines() == {}


async def test_machined_may_be_killed_and_started_again(
    bus: Bus, real_machined: subprocess.Popen[bytes], opened: SystemBus, hints: Hints
) -> None:
    gone = hints.next()
    end(real_machined)
    await gone
    assert await refusal(opened.machines()) == (
        "the machines can't be listed: org.freedesktop.machine1 is not on the system bus at this moment"
    )
    back = hints.next()
    bus.start_machined()
    await back
    assert await opened.machines() == {}
    assert opened.blind is None


async def test_a_machine_that_goes_while_it_is_looked_at_is_left_out(bus: Bus, opened: SystemBus) -> None:
    def look(call: Any) -> tuple[str, list[Any]]:
        if call.path == "/m/gone":
            raise CallRefused("org.freedesktop.DBus.Error.UnknownObject", "Unknown object '/m/gone'.")
        return "a{sv}", [{"Unit": variant("s", "a.service"), "Leader": variant("u", 7)}]

    machines = machined(await bus.connect())
    listed = [(name, kind, "", f"/m/{name}") for name, kind in (("gone", "container"), ("a", "container"), ("b", "vm"))]
    machines.answers = {"ListMachines": lambda _: ("a(ssso)", [listed]), "GetAll": look}
    await machines.own()
    assert await opened.machines() == {"a": Machine("a", "a.service", 7)}
    await closed(machines.connection)


async def test_machines_that_can_not_be_looked_at_are_a_sentence(bus: Bus, opened: SystemBus) -> None:
    def refuse(_call: object) -> None:
        raise CallRefused("org.freedesktop.DBus.Error.AccessDenied", "Access denied.")

    machines = machined(await bus.connect())
    listed = [(name, "container", "", f"/m/{name}") for name in ("a", "b")]
    machines.answers = {"ListMachines": lambda _: ("a(ssso)", [listed]), "GetAll": refuse}
    await machines.own()
    assert await refusal(opened.machines()) == "the machines can't be listed: Access denied"
    await closed(machines.connection)


async def test_variants_pass_through_a_program_of_systemd_unchanged(
    real_machined: object, systemd: Systemd, opened: SystemBus, hints: Hints, leader: subprocess.Popen[bytes]
) -> None:
    properties = [
        ("Environment", "as", ["A=1"]),
        ("MemoryMax", "t", 2**40),
        ("Delegate", "b", True),
        ("DeviceAllow", "a(ss)", [["/dev/fuse", "rwm"]]),
        ("ExecStart", "a(sasb)", [["/bin/true", ["true"], False]]),
    ]
    came = hints.next()
    await create_machine(systemd.connection, leader.pid, [(name, variant(kind, it)) for name, kind, it in properties])
    await came
    (started,) = [call for call in systemd.calls if call[0] == "StartTransientUnit"]
    arrived = dict(started[3])
    assert {name: arrived[name] for name, _, _ in properties} == {name: value for name, _, value in properties}
