"""A connection to a message bus: calls that end, in time by our own clock, and signals.

txdbus imports the reactor: import this only where one is installed and a bus is wanted.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Callable
from typing import Any
from urllib.parse import unquote

from attrs import define, frozen
from twisted.internet import defer
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import UNIXClientEndpoint
from twisted.internet.error import ConnectError
from twisted.internet.interfaces import IReactorTime, IReactorUNIX
from txdbus.error import DBusException, RemoteError

from hyperhive.containers.dbus_protocol import BusFactory, BusProtocol, Signal
from hyperhive.errors import ContainerError, brief

CALL_SECONDS = 25.0
GREETING_SECONDS = 10.0
# The kernel's bound for a socket's.
LONGEST_PATH = 107


class IReactor(IReactorTime, IReactorUNIX):
    """What of a reactor a bus needs."""


class CallRefused(ContainerError):
    """The bus, or whom it passed a call on to, answered with the D-Bus error `name`; the text says what was wrong."""

    def __init__(self, name: str, message: str) -> None:
        super().__init__(brief(message.rstrip(".")) or name)
        self.name = name


@frozen
class Remote:
    """An interface of an object of whoever owns the bus name; `starts`: the bus may start the owner for a call."""

    name: str
    path: str
    interface: str
    starts: bool = True

    def at(self, path: str, interface: str) -> Remote:
        """Another interface of another object of the same owner."""
        return Remote(self.name, path, interface, self.starts)


@define(eq=False)
class Connection:
    """A greeted connection; `ended` fires with the reason when it is lost, and calls fail at once from then on."""

    _reactor: IReactor
    _protocol: BusProtocol
    ended: Deferred[str]

    async def call(
        self, remote: Remote, member: str, signature: str = "", *body: object, timeout: float = CALL_SECONDS
    ) -> Any:
        """What the method returns: None, a value, or a list of several.

        Raises CallRefused, and ContainerError if the connection is lost, if nothing comes within `timeout` seconds,
        or if the arguments can't be sent.
        """
        answer = self._protocol.callRemote(
            remote.path,
            member,
            interface=remote.interface,
            destination=remote.name,
            signature=signature or None,
            body=list(body),
            autoStart=remote.starts,
        )
        try:
            return await answer.addTimeout(timeout, self._reactor)
        except defer.TimeoutError as error:
            raise ContainerError(f"{remote.name} did not answer {member} within {timeout:g} seconds") from error
        except RemoteError as error:
            raise CallRefused(error.errName, error.message) from error
        except (DBusException, UnicodeError, struct.error) as error:
            raise ContainerError(f"the arguments of {member} can't be sent: {error}") from error

    def close(self) -> None:
        """Give the connection up, with whatever was not sent; `ended` fires in a later turn of the reactor."""
        self._protocol.transport.abortConnection()


async def connect(
    reactor: IReactor, address: str, heard: Callable[[Signal], None], timeout: float = GREETING_SECONDS
) -> Connection:
    """A connection to the bus at that address, like `unix:path=/run/dbus/system_bus_socket`.

    `heard` is called with every signal that arrives. Raises ContainerError if the bus does not greet us within
    `timeout` seconds, or the address is none.
    """
    factory = BusFactory(heard)
    try:
        protocol = await UNIXClientEndpoint(reactor, socket_path(address), timeout=timeout).connect(factory)
    except ConnectError as error:
        raise ContainerError(os.strerror(error.osError) if error.osError else "it takes no connection") from error
    try:
        await factory.d.addTimeout(timeout, reactor)
    except Exception as why:
        protocol.transport.abortConnection()
        await protocol.ended
        if isinstance(why, defer.TimeoutError):
            raise ContainerError(f"it did not greet us within {timeout:g} seconds") from why
        if isinstance(why, DBusException):
            raise ContainerError(f"it does not let us in: {why}") from why
        raise
    return Connection(reactor, protocol, protocol.ended)


def socket_path(address: str) -> str:
    """The socket that a bus address names; raises ContainerError if it names none."""
    for one in address.split(";"):
        transport, _, settings = one.partition(":")
        pairs = dict(pair.split("=", 1) for pair in settings.split(",") if "=" in pair)
        path = unquote(pairs.get("path", ""))
        if transport == "unix" and 0 < len(path.encode()) <= LONGEST_PATH:
            return path
    raise ContainerError(f"{address!r} is no address of a bus like unix:path=/run/dbus/system_bus_socket")


def variant(signature: str, value: Any) -> Any:
    """The value as a variant of that signature; txdbus by itself guesses one from the Python type."""
    if isinstance(value, bytes):
        value = bytearray(value)
    kind = int if isinstance(value, bool) else type(value)
    return type("Variant", (kind,), {"dbusSignature": signature})(value)
