"""Facts about the system bus: a real dbus-daemon and the real systemd-machined, with a small systemd of ours."""

from __future__ import annotations

import os
import subprocess
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
import pytest_twisted
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import UNIXServerEndpoint
from twisted.internet.protocol import Factory, Protocol
from twisted.logger import ILogObserver, LogEvent, formatEvent, globalLogPublisher
from zope.interface import provider

from hyperhive.boundaries import Consumption
from hyperhive.containers.bus_session import BUS, MACHINED
from hyperhive.containers.dbus import CallRefused, Connection, variant
from hyperhive.containers.system_bus import Machine, SystemBus, Unit, unit_path
from hyperhive.errors import ContainerError
from tests.containers.buses import Bus, Owner, Systemd, end, machined
from tests.containers.conftest import Hints

ALICE = "hyperhive-alice.service"


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
def said() -> Iterator[list[str]]:
    """What was logged about the bus."""
    lines: list[str] = []

    @provider(ILogObserver)
    def observe(event: LogEvent) -> None:
        if event["log_namespace"].startswith("hyperhive.containers"):
            lines.append(formatEvent(event))

    globalLogPublisher.addObserver(observe)
    yield lines
    globalLogPublisher.removeObserver(observe)


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


# --- connected and not


async def test_it_is_blind_until_it_is_opened_and_closed_without_ever_being(reactor: Any, tmp_path: Path) -> None:
    system = SystemBus(reactor, f"unix:path={tmp_path}/none")
    assert system.blind == "the system bus is gone since 1970-01-01T00:00:00+00:00: it was not opened"
    assert await refusal(system.unit(ALICE)) == f"{ALICE} can't be looked at: the system bus is gone: it was not opened"
    await system.close()


async def test_the_bus_may_come_later_and_its_lack_is_logged_once(
    reactor: Any, tmp_path: Path, hints: Hints, said: list[str]
) -> None:
    bus = Bus(reactor, tmp_path)
    attempts: list[int] = []
    third: Deferred[None] = Deferred()

    def pauses(failures: int) -> float:
        attempts.append(failures)
        if failures == 3:
            third.callback(None)
        return 0.0

    system = SystemBus(reactor, bus.address, pauses=pauses)
    system.open(hints)
    await third
    assert hints.count == 0
    assert "No such file or directory" in str(system.blind)
    bus.start()
    systemd = await a_systemd(bus)
    if system.blind:
        await hints.next()
    assert system.blind is None
    assert said == [
        "the system bus is gone: No such file or directory; the crash watch polls until it is back",
        "the system bus is back",
    ]
    assert attempts[:3] == [1, 2, 3]
    await system.close()
    await closed(systemd.connection)
    bus.close()


async def test_a_bus_that_died_is_found_again(
    bus: Bus, opened: SystemBus, systemd: Systemd, hints: Hints, said: list[str]
) -> None:
    lost = hints.next()
    bus.kill()
    await lost
    assert str(opened.blind).startswith("the system bus is gone since 2")
    assert (await refusal(opened.machines())).startswith("the machines can't be listed: the system bus is gone: ")
    found = hints.next()
    bus.start()
    again = await a_systemd(bus)
    await found
    assert opened.blind is None
    await opened.reload()
    assert ("Subscribe",) in again.calls
    assert said == [
        "the system bus is gone: it closed the connection; the crash watch polls until it is back",
        "the system bus is back",
    ]
    await closed(again.connection)


async def test_a_mute_bus_is_tried_again_for_ever(reactor: Any, tmp_path: Path, hints: Hints) -> None:
    fourth: Deferred[None] = Deferred()

    class Mute(Protocol):
        count = 0

        def connectionMade(self) -> None:
            Mute.count += 1
            if Mute.count == 4:
                fourth.callback(None)

    port = await UNIXServerEndpoint(reactor, str(tmp_path / "bus")).listen(Factory.forProtocol(Mute))
    system = SystemBus(reactor, f"unix:path={tmp_path}/bus", pauses=lambda _: 0.0, patience=0.02)
    system.open(hints)
    await fourth
    assert "it did not greet us within 0.02 seconds" in str(system.blind)
    assert hints.count == 0
    await system.close()
    await port.stopListening()


async def test_a_bus_without_systemd_is_no_bus(bus: Bus, system: SystemBus, hints: Hints) -> None:
    refused: Deferred[None] = Deferred()

    def pauses(failures: int) -> float:
        if failures == 1:
            refused.callback(None)
        return 0.0

    system._listening.pauses = pauses
    system.open(hints)
    await refused
    assert "org.freedesktop.systemd1 is not on the system bus at this moment" in str(system.blind)


@pytest.mark.parametrize("turns", range(12))
async def test_closing_leaves_nothing_however_far_it_came(
    bus: Bus, systemd: Systemd, system: SystemBus, hints: Hints, reactor: Any, turns: int
) -> None:
    system.open(hints)
    for _ in range(turns):
        turn: Deferred[None] = Deferred()
        reactor.callLater(0, turn.callback, None)
        await turn
    before = hints.count
    await system.close()
    assert system.blind
    assert hints.count == before


def test_the_environment_may_name_another_bus(reactor: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DBUS_SYSTEM_BUS_ADDRESS", raising=False)
    assert SystemBus(reactor).address == "unix:path=/run/dbus/system_bus_socket"
    monkeypatch.setenv("DBUS_SYSTEM_BUS_ADDRESS", "unix:path=/elsewhere")
    assert SystemBus(reactor).address == "unix:path=/elsewhere"


async def test_an_address_that_is_none_is_said_in_place_of_the_bus(reactor: Any, hints: Hints) -> None:
    system = SystemBus(reactor, "tcp:host=localhost")
    system.open(hints)
    assert str(system.blind).endswith(
        "'tcp:host=localhost' is no address of a bus like unix:path=/run/dbus/system_bus_socket"
    )
    await system.close()


async def test_it_can_be_opened_again(opened: SystemBus, hints: Hints) -> None:
    await opened.close()
    await becomes_open(opened, hints)


# --- signals


async def test_a_stranger_forges_nothing(bus: Bus, opened: SystemBus, hints: Hints) -> None:
    machines = machined(await bus.connect())
    owned = hints.next()
    await machines.own()
    await owned
    stranger = Owner(await bus.connect(), "com.example.Stranger")
    before = hints.count
    me = opened._listening.session().connection._protocol.busName
    for to in (None, me):
        stranger.tell(MACHINED.path, MACHINED.interface, "MachineRemoved", "so", "h-alice", "/m/alice", to=to)
        stranger.tell(BUS.path, BUS.interface, "NameOwnerChanged", "sss", MACHINED.name, "", ":1.99", to=to)
    await stranger.connection.call(BUS, "GetId")
    await everything_arrived(opened)
    assert hints.count == before
    true = hints.next()
    machines.tell(MACHINED.path, MACHINED.interface, "MachineRemoved", "so", "h-alice", "/m/alice")
    await true
    assert hints.count == before + 1
    await closed(machines.connection)
    await closed(stranger.connection)


async def test_a_hint_that_fails_does_not_end_the_listening(opened: SystemBus, bus: Bus, logged: list[Any]) -> None:
    def fail() -> None:
        raise ValueError("out of hints")

    opened._listening._hint = fail
    machines = machined(await bus.connect())
    await machines.own()
    await everything_arrived(opened)
    assert [failure.getErrorMessage() for failure in logged] == ["out of hints"]
    logged.clear()
    assert opened.blind is None
    opened._listening._hint = lambda: None
    await closed(machines.connection)


# --- machines, with the real machined


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


# --- units and jobs


async def test_a_unit_is_seen_as_it_is_and_an_unknown_one_is_inactive(opened: SystemBus, systemd: Systemd) -> None:
    systemd.units[ALICE] = {
        "ActiveState": variant("s", "failed"),
        "SubState": variant("s", "failed"),
        "InvocationID": variant("ay", bytes(range(16))),
        "MainPID": variant("u", 0),
        "Result": variant("s", "exit-code"),
        "ExecMainCode": variant("i", 1),
        "ExecMainStatus": variant("i", 3),
    }
    invocation = "000102030405060708090a0b0c0d0e0f"
    assert await opened.unit(ALICE) == Unit(ALICE, "failed", invocation, 0)
    assert await opened.unit("none.service") == Unit("none.service", "inactive", "", 0)
    assert await refusal(opened.unit("alice")) == "alice can't be looked at: That is no unit name"


async def test_what_systemd_counts_is_a_number_and_what_it_does_not_is_none(
    opened: SystemBus, systemd: Systemd
) -> None:
    systemd.units[ALICE] = {"MemoryCurrent": variant("t", 4096), "CPUUsageNSec": variant("t", 2**64 - 1)}
    assert await opened.consumption(ALICE) == Consumption(memory=4096, seconds=None)


async def test_systemd_counts_time_in_billionths_of_a_second(opened: SystemBus, systemd: Systemd) -> None:
    systemd.units[ALICE] = {"MemoryCurrent": variant("t", 2**64 - 1), "CPUUsageNSec": variant("t", 1_500_000_000)}
    assert await opened.consumption(ALICE) == Consumption(memory=None, seconds=1.5)


def test_a_unit_has_the_path_that_systemd_gives_it() -> None:
    # As `systemd-escape` and `busctl tree` show it.
    assert unit_path("container@h-a.service") == "/org/freedesktop/systemd1/unit/container_40h_2da_2eservice"
    assert unit_path("7.mount") == "/org/freedesktop/systemd1/unit/_37_2emount"


@pytest.mark.parametrize("result", ["done", "early"])
async def test_a_start_returns_when_its_job_is_done_though_the_end_be_told_before_the_path(
    opened: SystemBus, systemd: Systemd, result: str
) -> None:
    systemd.results[ALICE] = result
    await opened.start_unit(ALICE)
    assert ("StartUnit", ALICE, "replace") in systemd.calls


@pytest.mark.parametrize(
    ("result", "said"),
    [
        ("failed", "the job failed"),
        ("canceled", "another job took the place of this one"),
        ("odd", "systemd's job ended as 'odd'"),
    ],
)
async def test_a_job_that_is_not_done_is_a_sentence(
    opened: SystemBus, systemd: Systemd, result: str, said: str
) -> None:
    systemd.results[ALICE] = result
    assert await refusal(opened.start_unit(ALICE)) == (
        f"{ALICE} could not be started: {said}; 'systemctl status {ALICE}' says why"
    )


async def test_a_transient_unit_is_started_with_its_properties(opened: SystemBus, systemd: Systemd) -> None:
    exec_start = ("ExecStart", "a(sasb)", [("/bin/sleep", ["sleep", "9"], False)])
    await opened.start_transient(ALICE, [exec_start, ("Delegate", "b", True)])
    started = [["ExecStart", [["/bin/sleep", ["sleep", "9"], False]]], ["Delegate", True]]
    assert ("StartTransientUnit", ALICE, "fail", started, []) in systemd.calls


async def test_a_job_that_does_not_end_in_time_is_a_sentence(opened: SystemBus, systemd: Systemd) -> None:
    systemd.results[ALICE] = "never"
    assert await refusal(opened.start_unit(ALICE, timeout=0.05)) == (
        f"{ALICE} could not be started: systemd's job is not done after 0.05 seconds"
    )
    assert not opened._listening.session()._jobs


async def test_a_job_whose_bus_is_lost_is_a_sentence(bus: Bus, opened: SystemBus, systemd: Systemd) -> None:
    systemd.results[ALICE] = "never"
    called = systemd.called("StartUnit")
    start = Deferred.fromCoroutine(refusal(opened.start_unit(ALICE)))
    await called
    await everything_arrived(opened)
    bus.kill()
    assert await start == f"{ALICE} could not be started: the system bus was lost while systemd was at it"


async def test_what_systemd_refuses_is_a_sentence(opened: SystemBus, systemd: Systemd) -> None:
    def refuse(_call: object) -> None:
        raise CallRefused("org.freedesktop.systemd1.NoSuchUnit", f"Unit {ALICE} not found.")

    systemd.answers["StartUnit"] = refuse
    assert await refusal(opened.start_unit(ALICE)) == f"{ALICE} could not be started: Unit {ALICE} not found"
    assert (
        await refusal(opened.kill_unit(ALICE, "all", 9)) == f"{ALICE} could not be signalled: Unit {ALICE} not loaded"
    )


async def test_stopping_and_resetting_what_is_unknown_is_nothing(opened: SystemBus, systemd: Systemd) -> None:
    await opened.stop_unit(ALICE)
    await opened.reset_failed(ALICE)
    assert systemd.jobs == 0


async def test_what_may_not_be_reset_is_a_sentence(opened: SystemBus, systemd: Systemd) -> None:
    def refuse(_call: object) -> None:
        raise CallRefused("org.freedesktop.DBus.Error.AccessDenied", "Access denied.")

    systemd.answers["ResetFailedUnit"] = refuse
    assert await refusal(opened.reset_failed(ALICE)) == f"{ALICE} could not be reset: Access denied"


async def test_a_known_unit_is_stopped_signalled_and_reset(opened: SystemBus, systemd: Systemd) -> None:
    await opened.start_unit(ALICE)
    await opened.kill_unit(ALICE, "main", 15)
    await opened.reset_failed(ALICE)
    await opened.stop_unit(ALICE)
    assert (await opened.unit(ALICE)).active == "inactive"
    assert [call for call in systemd.calls if call[0] not in {"Subscribe", "GetAll"}] == [
        ("StartUnit", ALICE, "replace"),
        ("KillUnit", ALICE, "main", 15),
        ("ResetFailedUnit", ALICE),
        ("StopUnit", ALICE, "replace"),
    ]


async def test_systemd_executed_anew_is_subscribed_to_again_and_asked_for_its_lost_jobs(
    opened: SystemBus, systemd: Systemd, hints: Hints
) -> None:
    systemd.results[ALICE] = "never"
    called = systemd.called("StartUnit")
    start = Deferred.fromCoroutine(opened.start_unit(ALICE))
    await called
    await everything_arrived(opened)
    gone = hints.next()
    await systemd.disown()
    await gone
    assert str(opened.blind).startswith("systemd left the system bus at 1")
    assert "is not on the system bus at this moment" in await refusal(opened.reload())
    back = hints.next()
    await systemd.own()
    await back
    assert opened.blind is None
    assert systemd.calls.count(("Subscribe",)) == 2
    await start


async def test_being_subscribed_already_is_as_good(opened: SystemBus, systemd: Systemd, hints: Hints) -> None:
    def refuse(_call: object) -> None:
        raise CallRefused("org.freedesktop.systemd1.AlreadySubscribed", "Client is already subscribed.")

    systemd.answers["Subscribe"] = refuse
    await systemd.disown()
    await systemd.own()
    while opened.blind:
        await hints.next()
    await opened.reload()


async def test_a_systemd_that_can_not_be_subscribed_to_is_not_heard(
    opened: SystemBus, systemd: Systemd, hints: Hints
) -> None:
    def refuse(_call: object) -> None:
        raise CallRefused("org.freedesktop.DBus.Error.AccessDenied", "Access denied.")

    willing, systemd.answers["Subscribe"] = systemd.answers["Subscribe"], refuse
    await systemd.disown()
    await systemd.own()
    while "the system bus is gone" not in str(opened.blind):
        await hints.next()
    systemd.answers["Subscribe"] = willing
    while opened.blind:
        await hints.next()
    await opened.reload()
