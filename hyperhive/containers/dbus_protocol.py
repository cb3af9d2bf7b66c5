"""txdbus' connection, made to fail where it would wait for ever, and to read on where it would give up."""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any, ClassVar

from attrs import frozen
from twisted.internet import defer
from twisted.internet.defer import Deferred
from twisted.internet.protocol import connectionDone
from twisted.logger import Logger
from twisted.python.failure import Failure
from txdbus.authentication import ClientAuthenticator
from txdbus.client import DBusClientConnection, DBusClientFactory
from txdbus.message import MethodCallMessage, SignalMessage

from hyperhive.errors import ContainerError

# Nobody whom we listen to sends more unasked; txdbus would take seconds to read what the bus lets anyone send.
LONGEST_UNASKED = 65536

_HEADER = 16
_CALL, _SIGNAL = 1, 4


@frozen
class Signal:
    """What somebody told; only `sender`, a unique name that the bus vouches for, is beyond forging."""

    sender: str
    path: str
    interface: str
    member: str
    body: list[Any]


class _OurUser(ClientAuthenticator):  # type: ignore[misc] # txdbus is not annotated
    """We are who the socket says; no descriptors are taken, because txdbus closes none."""

    preference: ClassVar[list[bytes]] = [b"EXTERNAL"]

    def _usesUnixSocketTransport(self, protocol: object) -> bool:
        return False


class BusProtocol(DBusClientConnection):  # type: ignore[misc] # txdbus is not annotated
    """txdbus' connection without its recursion, and with an end to every call."""

    _log: ClassVar[Logger] = Logger()
    authenticator = _OurUser

    def __init__(self) -> None:
        self.ended: Deferred[str] = Deferred()
        self._pendingCalls: dict[int, tuple[Deferred[Any], None]] = {}
        self._buffer = b""
        self._unread = bytearray()
        self._lost = False

    def dataReceived(self, data: bytes) -> None:
        if not self._authenticated:
            super().dataReceived(data)
            return
        self._unread += self._buffer + data
        self._buffer = b""
        start = 0
        while len(self._unread) >= start + _HEADER:
            length = _length(self._unread, start)
            if length > self.MAX_MSG_LENGTH:
                self.transport.abortConnection()
                return
            if len(self._unread) < start + length:
                break
            self._read(bytes(self._unread[start : start + length]))
            start += length
        del self._unread[:start]

    def _read(self, message: bytes) -> None:
        if message[1] in {_CALL, _SIGNAL} and len(message) > LONGEST_UNASKED:
            return
        try:
            self.rawDBusMessageReceived(message)
        except Exception as error:  # noqa: BLE001 - of whatever kind: one message must not cost the connection
            self._log.warn("a D-Bus message that can't be read was skipped: {error!r}", error=error)

    def signalReceived(self, message: SignalMessage) -> None:
        signal = Signal(message.sender or "", message.path, message.interface, message.member, message.body or [])
        with self._log.failuresHandled("a D-Bus signal could not be dealt with"):
            self.factory.heard(signal)

    def callRemoteMessage(self, call: MethodCallMessage, timeout: object = None) -> Deferred[Any]:
        if self._lost:
            return defer.fail(ContainerError("the connection to the bus is lost"))
        answer: Deferred[Any] = Deferred(lambda _: self._forget(call.serial))
        self._pendingCalls[call.serial] = (answer, None)
        self.sendMessage(call)
        return answer

    def _forget(self, serial: int) -> None:
        self._pendingCalls.pop(serial, None)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        self._lost = True
        pending, self._pendingCalls = self._pendingCalls, {}
        self.factory.lost()
        self.ended.callback("it closed the connection")
        for answer, _ in pending.values():
            answer.errback(ContainerError("the connection to the bus was lost"))


class BusFactory(DBusClientFactory):  # type: ignore[misc] # txdbus is not annotated
    """Makes one connection; its `d` fires once, when the bus has greeted it or will not."""

    protocol = BusProtocol
    noisy = False

    def __init__(self, heard: Callable[[Signal], None]) -> None:
        super().__init__()
        self.heard = heard

    def lost(self) -> None:
        """The connection has ended, and if nobody was greeted by now, nobody will be."""
        self._failed(Failure(ContainerError("it closed the connection before it greeted us")))

    def _ok(self, protocol: BusProtocol) -> None:
        if not self.d.called:
            self.d.callback(protocol)

    def _failed(self, why: Failure) -> None:
        if not self.d.called:
            self.d.errback(why)


def _length(buffer: bytearray, start: int) -> int:
    """Of the whole message whose header begins there: fixed part, fields, padding and body."""
    order = "<" if buffer[start] == ord("l") else ">"
    (body,) = struct.unpack_from(f"{order}I", buffer, start + 4)
    (fields,) = struct.unpack_from(f"{order}I", buffer, start + 12)
    return int(_HEADER + fields + -fields % 8 + body)
