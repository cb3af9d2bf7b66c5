"""A real system bus that comes, dies and is found again, and what is heard on it from a small systemd of ours."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import UNIXServerEndpoint
from twisted.internet.protocol import Factory, Protocol
from twisted.logger import ILogObserver, LogEvent, formatEvent, globalLogPublisher
from zope.interface import provider

from hyperhive.containers.bus_session import BUS, MACHINED
from hyperhive.containers.dbus import CallRefused
from hyperhive.containers.system_bus import SystemBus
from tests.containers.buses import Bus, Owner, Systemd, machined
from tests.containers.on_bus import ALICE, a_systemd, becomes_open, closed, everything_arrived, refusal
from tests.containers.telling import Hints


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
