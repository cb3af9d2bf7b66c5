"""A message bus of our own, with a small systemd on it for the real machined to talk to."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from attrs import define, field
from twisted.internet.defer import Deferred
from txdbus.message import ErrorMessage, MethodCallMessage, MethodReturnMessage, SignalMessage

from hyperhive.containers.bus_session import BUS, MACHINED, SYSTEMD
from hyperhive.containers.dbus import CallRefused, Connection, connect, variant
from hyperhive.containers.dbus_protocol import Signal

MACHINED_PROGRAM = Path("/lib/systemd/systemd-machined")
CONFIGURATION = """<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>system</type>
  <listen>unix:path={socket}</listen>
  <auth>EXTERNAL</auth>
  <policy context="default">
    <allow user="*"/><allow own="*"/><allow send_type="method_call"/><allow send_type="signal"/>
    <allow send_requested_reply="true" send_type="method_return"/>
    <allow send_requested_reply="true" send_type="error"/>
    <allow receive_type="method_call"/><allow receive_type="method_return"/>
    <allow receive_type="error"/><allow receive_type="signal"/>
  </policy>
  <limit name="max_replies_per_connection">50000</limit>
</busconfig>
"""

Answer = tuple[str, list[Any]]


@define(eq=False)
class Bus:
    """A real `dbus-daemon` in a directory, to be killed and started again."""

    reactor: Any
    directory: Path
    _daemon: subprocess.Popen[bytes] | None = None
    _programs: list[subprocess.Popen[bytes]] = field(factory=list)

    @property
    def address(self) -> str:
        return f"unix:path={self.directory / 'bus'}"

    def start(self) -> None:
        program = shutil.which("dbus-daemon")
        if program is None:
            pytest.skip("dbus-daemon is not installed (package dbus)")
        configuration = self.directory / "bus.conf"
        configuration.write_text(CONFIGURATION.format(socket=self.directory / "bus"))
        self._daemon = subprocess.Popen(
            [program, f"--config-file={configuration}", "--nofork", "--nopidfile", "--print-address=1"],
            stdout=subprocess.PIPE,
        )
        assert self._daemon.stdout is not None
        assert self._daemon.stdout.readline().startswith(b"unix:")

    def kill(self) -> None:
        if self._daemon is not None:
            end(self._daemon)
            assert self._daemon.stdout is not None
            self._daemon.stdout.close()
            self._daemon = None

    def close(self) -> None:
        for program in self._programs:
            end(program)
        self.kill()

    async def connect(self, heard: Callable[[Signal], None] = lambda _: None) -> Connection:
        return await connect(self.reactor, self.address, heard)

    def start_machined(self) -> subprocess.Popen[bytes]:
        """The real one; its records are in a mount namespace of its own."""
        if not MACHINED_PROGRAM.exists():
            pytest.skip(f"{MACHINED_PROGRAM} is not installed (package systemd-container)")
        if os.geteuid() != 0:
            pytest.skip("systemd-machined runs as root alone")
        script = 'mkdir -p /run/systemd/machines && mount -t tmpfs -o mode=755 tmpfs /run/systemd/machines && exec "$0"'
        program = subprocess.Popen(
            ["unshare", "--mount", "sh", "-c", script, str(MACHINED_PROGRAM)],
            env={**os.environ, "DBUS_SYSTEM_BUS_ADDRESS": self.address},
        )
        self._programs.append(program)
        return program


def end(program: subprocess.Popen[bytes]) -> None:
    program.send_signal(signal.SIGKILL)
    program.wait()


class Owner:
    """Owns a name on the bus, and answers calls by `answers`: from a member to a function of the call."""

    def __init__(self, connection: Connection, name: str) -> None:
        self.connection = connection
        self.name = name
        self.calls: list[tuple[Any, ...]] = []
        self.waiting: dict[str, Deferred[None]] = {}
        self.answers: dict[str, Callable[[MethodCallMessage], Answer | None]] = {}
        self._protocol = connection._protocol
        self._protocol.methodCallReceived = self._received

    async def own(self) -> None:
        assert await self.connection.call(BUS, "RequestName", "su", self.name, 0) == 1

    async def disown(self) -> None:
        assert await self.connection.call(BUS, "ReleaseName", "s", self.name) == 1

    def called(self, member: str) -> Deferred[None]:
        """Fires when the next call of that method is answered, or not, but the bus has what was said to it."""
        self.waiting[member] = Deferred()
        return self.waiting[member]

    def tell(self, path: str, interface: str, member: str, signature: str, *body: Any, to: str | None = None) -> None:
        self._protocol.sendMessage(
            SignalMessage(path, member, interface, destination=to, signature=signature, body=list(body))
        )

    def reply(self, call: MethodCallMessage, signature: str, body: list[Any]) -> None:
        reply = MethodReturnMessage(call.serial, signature=signature or None, body=body, destination=call.sender)
        self._protocol.sendMessage(reply)

    def _answer(self, call: MethodCallMessage) -> Answer | None:
        if call.member not in self.answers:
            raise CallRefused("org.freedesktop.DBus.Error.UnknownMethod", f"Unknown method {call.member}.")
        return self.answers[call.member](call)

    def _received(self, call: MethodCallMessage) -> None:
        self.calls.append((call.member, *(call.body or [])))
        try:
            answer = self._answer(call)
        except CallRefused as error:
            refusal = ErrorMessage(error.name, call.serial, destination=call.sender, signature="s", body=[str(error)])
            self._protocol.sendMessage(refusal)
        else:
            if answer is not None:
                self.reply(call, *answer)
        if waiting := self.waiting.pop(call.member, None):
            Deferred.fromCoroutine(self.connection.call(BUS, "GetId")).addBoth(lambda _: waiting.callback(None))


class Systemd(Owner):
    """What of systemd we and machined call: units that are properties, and jobs that end as `results` says.

    A result of "early" ends the job well before its path is told, one of "never" not at all.
    """

    def __init__(self, connection: Connection) -> None:
        super().__init__(connection, SYSTEMD.name)
        self.units: dict[str, dict[str, Any]] = {}
        self.results: dict[str, str] = {}
        self.jobs = 0
        self.answers = {
            "Subscribe": lambda _: ("", []),
            "Reload": lambda _: ("", []),
            "ResetFailedUnit": self._on_known,
            "KillUnit": self._on_known,
            "GetUnit": lambda call: ("o", [self._known(call.body[0])]),
            "StartUnit": self._start,
            "StartTransientUnit": self._start,
            "StopUnit": self._stop,
            "GetAll": lambda call: ("a{sv}", [self._properties(call)]),
            "Get": lambda call: ("v", [self._properties(call)[call.body[1]]]),
        }

    def vanish(self, unit: str) -> None:
        """As when the last process of a scope is gone."""
        path = self._known(unit)
        self.units.pop(unit)
        self.tell(SYSTEMD.path, SYSTEMD.interface, "UnitRemoved", "so", unit, path)

    def _on_known(self, call: MethodCallMessage) -> Answer:
        self._known(call.body[0])
        return "", []

    def _known(self, unit: str) -> str:
        if unit not in self.units:
            raise CallRefused("org.freedesktop.systemd1.NoSuchUnit", f"Unit {unit} not loaded.")
        return _path(unit)

    def _properties(self, call: MethodCallMessage) -> dict[str, Any]:
        for unit, properties in self.units.items():
            if _path(unit) == call.path:
                return properties
        if call.path.endswith(("_2eservice", "_2escope")):
            # Asking for a unit loads it, were it only to say that there is none.
            return {"ActiveState": variant("s", "inactive"), "SubState": variant("s", "dead")}
        if "/unit/" in call.path:
            raise CallRefused("org.freedesktop.DBus.Error.InvalidArgs", "That is no unit name.")
        raise CallRefused("org.freedesktop.DBus.Error.UnknownObject", f"Unknown object '{call.path}'.")

    def _start(self, call: MethodCallMessage) -> Answer | None:
        unit = call.body[0]
        self.units[unit] = {"ActiveState": variant("s", "active")}
        return self._job(call, unit)

    def _stop(self, call: MethodCallMessage) -> Answer | None:
        unit = call.body[0]
        self._known(unit)
        self.units[unit] = {"ActiveState": variant("s", "inactive")}
        return self._job(call, unit)

    def _job(self, call: MethodCallMessage, unit: str) -> Answer | None:
        self.jobs += 1
        result = self.results.get(unit, "done")
        path = f"/org/freedesktop/systemd1/job/{self.jobs}"
        if result != "early":
            self.reply(call, "o", [path])
        if result != "never":
            told = "done" if result == "early" else result
            self.tell(SYSTEMD.path, SYSTEMD.interface, "JobRemoved", "uoss", self.jobs, path, unit, told)
        return ("o", [path]) if result == "early" else None


def machined(connection: Connection) -> Owner:
    """A stand-in that owns machined's name, for what the real one can't be brought to do."""
    return Owner(connection, MACHINED.name)


def _path(unit: str) -> str:
    from hyperhive.containers.system_bus import unit_path

    return unit_path(unit)
