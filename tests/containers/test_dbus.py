"""Facts about a connection to a message bus, over a real dbus-daemon and over peers that misbehave."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_twisted
from twisted.internet.defer import Deferred, gatherResults
from twisted.internet.endpoints import UNIXServerEndpoint
from twisted.internet.protocol import Factory, Protocol

from hyperhive.containers.bus_session import BUS
from hyperhive.containers.dbus import CallRefused, Connection, Remote, connect, socket_path, variant
from hyperhive.containers.dbus_protocol import Signal
from hyperhive.errors import ContainerError
from tests.containers.buses import Bus, Owner

ECHO = Remote("com.example.Echo", "/echo", "com.example.Echo")


@pytest_twisted.async_yield_fixture
async def connection(bus: Bus) -> AsyncIterator[Connection]:
    connection = await bus.connect()
    yield connection
    await closed(connection)


@pytest_twisted.async_yield_fixture
async def echo(bus: Bus) -> AsyncIterator[Owner]:
    """Another connection, that owns a name."""
    echo = Owner(await bus.connect(), ECHO.name)
    await echo.own()
    yield echo
    await closed(echo.connection)


async def closed(connection: Connection) -> None:
    connection.close()
    if not connection.ended.called:
        await connection.ended


async def refusal(call: Any) -> str:
    with pytest.raises(ContainerError) as error:
        await call
    return str(error.value)


# --- the greeting


@pytest.mark.parametrize(
    ("address", "path"),
    [
        ("unix:path=/run/dbus/system_bus_socket", "/run/dbus/system_bus_socket"),
        ("unix:path=/tmp/a%20b,guid=0=1", "/tmp/a b"),
        ("tcp:host=localhost,port=1;unix:path=/run/bus", "/run/bus"),
    ],
)
def test_an_address_names_a_socket(address: str, path: str) -> None:
    assert socket_path(address) == path


@pytest.mark.parametrize(
    "address", ["", "session", "unix:runtime=yes", "unix:path=/" + 107 * "x", "tcp:host=localhost,port=1"]
)
def test_an_address_that_names_no_socket_is_refused(address: str) -> None:
    with pytest.raises(ContainerError, match="is no address of a bus like unix:path="):
        socket_path(address)


async def test_a_bus_that_is_not_there_refuses_in_words(reactor: Any, tmp_path: Path) -> None:
    assert await refusal(connect(reactor, f"unix:path={tmp_path}/none", print)) == "No such file or directory"


class Says(Protocol):
    """A peer that answers the first bytes with `words`, and then goes or stays."""

    words = b""
    goes = False

    def dataReceived(self, data: bytes) -> None:
        assert self.transport is not None
        self.transport.write(self.words)
        if self.goes:
            self.transport.loseConnection()


@pytest.mark.parametrize(
    ("words", "goes", "said"),
    [
        (b"", False, "it did not greet us within 0.05 seconds"),
        (b"", True, "it closed the connection before it greeted us"),
        (b"REJECTED EXTERNAL\r\n", False, "it closed the connection before it greeted us"),
        (b"\xff\xfe nonsense\r\n", False, "it closed the connection before it greeted us"),
    ],
    ids=["mute", "gone", "rejecting", "raving"],
)
async def test_a_bus_that_does_not_greet_refuses(
    reactor: Any, tmp_path: Path, words: bytes, goes: object, said: str
) -> None:
    peer = type("Peer", (Says,), {"words": words, "goes": goes})
    port = await UNIXServerEndpoint(reactor, str(tmp_path / "bus")).listen(Factory.forProtocol(peer))
    try:
        assert await refusal(connect(reactor, f"unix:path={tmp_path}/bus", print, timeout=0.05)) == said
    finally:
        await port.stopListening()


# --- calls


async def test_a_burst_of_replies_arrives_whole(connection: Connection) -> None:
    calls = [Deferred.fromCoroutine(connection.call(BUS, "GetId")) for _ in range(4000)]
    answers = await gatherResults(calls)
    assert len(answers) == 4000
    assert len(set(answers)) == 1


async def test_a_refusal_carries_its_name_and_its_sentence(connection: Connection) -> None:
    with pytest.raises(CallRefused, match="no such name") as error:
        await connection.call(BUS, "GetNameOwner", "s", "com.example.Nobody")
    assert error.value.name == "org.freedesktop.DBus.Error.NameHasNoOwner"


async def test_a_call_that_nobody_answers_ends_in_time_and_a_late_answer_is_no_fault(
    connection: Connection, echo: Owner
) -> None:
    held: list[Any] = []
    echo.answers["Echo"] = held.append
    said = await refusal(connection.call(ECHO, "Echo", timeout=0.05))
    assert said == "com.example.Echo did not answer Echo within 0.05 seconds"
    echo.answers["Echo"] = lambda _: ("s", ["in time"])
    echo.reply(held[0], "s", ["late"])
    assert await connection.call(ECHO, "Echo") == "in time"


async def test_arguments_that_can_not_be_sent_are_refused_and_cost_nothing(connection: Connection) -> None:
    assert "can't be sent" in await refusal(connection.call(BUS, "GetNameOwner", "s", "nul\0"))
    assert "can't be sent" in await refusal(connection.call(BUS, "GetNameOwner", "u", "no number"))
    assert await connection.call(BUS, "GetId")


async def test_a_lost_connection_fails_what_waits_and_what_comes_after(
    bus: Bus, connection: Connection, echo: Owner
) -> None:
    echo.answers["Echo"] = lambda _: bus.kill()

    async def call_and_call_again() -> tuple[str, str]:
        return await refusal(connection.call(ECHO, "Echo")), await refusal(connection.call(ECHO, "Echo"))

    first, second = await gatherResults([Deferred.fromCoroutine(call_and_call_again()) for _ in range(2)])
    assert first == second == ("the connection to the bus was lost", "the connection to the bus is lost")
    assert await connection.ended == "it closed the connection"


# --- variants


@pytest.mark.parametrize(
    ("signature", "value"),
    [
        ("s", "hyperhive"),
        ("b", True),
        ("t", 2**63),
        ("t", 0),
        ("u", 7),
        ("i", -1),
        ("d", 0.5),
        ("as", ["A=1", "B=2"]),
        ("as", []),
        ("ay", b"\x00\xff"),
        ("(sb)", ("nested", False)),
        ("a(ss)", [("/dev/fuse", "rwm"), ("/dev/net/tun", "rwm")]),
        ("a(ss)", []),
        ("a(sasb)", [("/bin/sh", ["/bin/sh", "-c", "true"], False)]),
        ("a{ss}", {"a": "b"}),
    ],
)
async def test_a_variant_arrives_with_the_signature_that_was_asked_for(
    connection: Connection, echo: Owner, signature: str, value: Any
) -> None:
    sent = variant(signature, value)
    raw: list[bytes] = []

    def answer(call: Any) -> tuple[str, list[Any]]:
        raw.append(call.rawBody)
        return "a(sv)", [[("Odd", variant("y", 1)), ("Named", variant(signature, call.body[0][1][1]))]]

    echo.answers["Echo"] = answer
    # The odd one before it shifts whatever it must be aligned to.
    _, (name, back) = await connection.call(ECHO, "Echo", "a(sv)", [("Odd", variant("y", 1)), ("Named", sent)])
    assert name == "Named"
    assert plain(back) == plain(value)
    assert bytes([len(signature)]) + signature.encode() + b"\0" in raw[0]


def plain(value: Any) -> Any:
    """As txdbus reads it: lists of whatever kind."""
    if isinstance(value, list | tuple | bytes):
        return [plain(one) for one in value]
    return value


# --- what comes unasked


async def test_only_short_signals_are_read(bus: Bus, echo: Owner) -> None:
    heard: list[Signal] = []
    here: Deferred[None] = Deferred()

    def hear(signal: Signal) -> None:
        if signal.interface == ECHO.interface:
            heard.append(signal)
            here.callback(None)

    connection = await bus.connect(hear)
    me = connection._protocol.busName
    echo.tell(ECHO.path, ECHO.interface, "Long", "s", "x" * 100_000, to=me)
    echo.tell(ECHO.path, ECHO.interface, "Short", "s", "x", to=me)
    await here
    assert [(one.member, one.sender, one.body) for one in heard] == [
        ("Short", echo.connection._protocol.busName, ["x"])
    ]
    await closed(connection)


async def test_a_message_that_can_not_be_read_costs_only_itself(connection: Connection) -> None:
    nonsense = b"l\x04\x00\x01" + bytes(4) + b"\x01\x00\x00\x00" + b"\x08\x00\x00\x00" + b"\xff" * 8
    connection._protocol.dataReceived(nonsense * 3)
    assert await connection.call(BUS, "GetId")


def test_the_local_backend_does_without_it() -> None:
    script = "import sys, hyperhive.tap, hyperhive.assembly, hyperhive.containers.local; print('txdbus' in sys.modules)"
    assert subprocess.check_output([sys.executable, "-c", script], text=True).strip() == "False"
