"""What we need of the system bus: systemd's units and machined's machines, heard of without asking, and reconnected to.

It imports txdbus, and with it the reactor: import this only where a backend needs it.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from attrs import define, field, frozen
from twisted.application.internet import backoffPolicy
from twisted.internet import defer
from twisted.internet.defer import Deferred, FirstError, gatherResults

from hyperhive.boundaries import Consumption
from hyperhive.containers.bus_session import MACHINED, SYSTEMD, BusSession
from hyperhive.containers.dbus import CALL_SECONDS, GREETING_SECONDS, CallRefused, IReactor, variant
from hyperhive.containers.listening import Listening
from hyperhive.errors import ContainerError

NOWHERE = frozenset(
    {
        "org.freedesktop.DBus.Error.UnknownObject",
        "org.freedesktop.DBus.Error.UnknownInterface",
        "org.freedesktop.DBus.Error.UnknownMethod",
        "org.freedesktop.machine1.NoSuchMachine",
        "org.freedesktop.systemd1.NoSuchUnit",
    }
)
SERVICE = "org.freedesktop.systemd1.Service"
UNCOUNTED = 2**64 - 1
ENDINGS = {
    "failed": "the job failed",
    "timeout": "the job took longer than its unit allows",
    "canceled": "another job took the place of this one",
    "dependency": "a unit that it depends on failed",
    "skipped": "systemd skipped the job",
}


@frozen
class Machine:
    """A container that machined knows: the unit that holds it, and its first process."""

    name: str
    unit: str
    leader: int


@frozen
class Unit:
    """A unit at one moment: its ActiveState ("inactive" if it isn't loaded), and its main process, ended or not.

    `invocation` is 32 hexadecimal digits, or empty before the first start.
    """

    name: str
    active: str
    invocation: str
    main_pid: int


def exec_start(words: Sequence[str]) -> tuple[str, str, Any]:
    """The property of a transient unit that runs this command as it stands, with no variables put in.

    Not ExecStartEx, which could say that by itself: after a daemon-reload systemd 252 can't read it again.
    """
    return "ExecStart", "a(sasb)", [(words[0], [word.replace("$", "$$") for word in words], False)]


def system_address() -> str:
    """Where the system bus is."""
    return os.environ.get("DBUS_SYSTEM_BUS_ADDRESS") or "unix:path=/run/dbus/system_bus_socket"


@define(eq=False)
class SystemBus:
    """The system bus at `address`.

    `pauses` gives the seconds before a new attempt, after so many failed ones; `patience` how many an attempt may take.
    Every method raises ContainerError: if the bus is gone, refuses, or does not answer in time.
    """

    reactor: IReactor
    address: str = field(factory=system_address)
    pauses: Callable[[int], float] = backoffPolicy(0.1, 4.0, 2.0)
    patience: float = GREETING_SECONDS

    _listening: Listening = field(init=False)

    def __attrs_post_init__(self) -> None:
        self._listening = Listening(self.reactor, self.address, self.pauses, self.patience)

    def open(self, hint: Callable[[], None]) -> None:
        """Connect, now and again after every loss.

        `hint` is called when a machine came or went, and when the bus, systemd or machined was lost or found.
        """
        self._listening.open(hint)

    def close(self) -> Deferred[None]:
        """End everything; fires when nothing is left. `hint` is not called any more."""
        return self._listening.close()

    @property
    def blind(self) -> str | None:
        """Why nothing can be heard now, and since when, as a sentence; None while all is well."""
        return self._listening.blind

    async def reached(self, seconds: float) -> None:
        """Wait until the bus is there, but no longer."""
        await self._listening.reached(seconds)

    async def machines(self) -> dict[str, Machine]:
        """The running containers by name; the bus starts machined for it, if it has ended."""
        with _said("the machines can't be listed"):
            session = self._listening.session()
            listed = await session.call(MACHINED, "ListMachines")
            asked = [
                Deferred.fromCoroutine(_machine(session, name, path))
                for name, kind, _service, path in listed
                if kind == "container"
            ]
            found = await _all(asked)
        return {machine.name: machine for machine in found if machine is not None}

    async def unit(self, name: str) -> Unit:
        """The unit as systemd sees it; one that is unknown is inactive."""
        remote = SYSTEMD.at(unit_path(name), "org.freedesktop.DBus.Properties")
        with _said(f"{name} can't be looked at"):
            # No interface is every interface: the properties of the unit and of the service at one moment.
            seen = await self._listening.session().call(remote, "GetAll", "s", "")
        return Unit(
            name=name,
            active=seen.get("ActiveState", "inactive"),
            invocation=bytes(seen.get("InvocationID", ())).hex(),
            main_pid=seen.get("ExecMainPID", 0),
        )

    async def consumption(self, name: str) -> Consumption:
        """What systemd counts of a service's processes."""
        memory, nanoseconds = await self._counted(name, "MemoryCurrent"), await self._counted(name, "CPUUsageNSec")
        return Consumption(memory=memory, seconds=None if nanoseconds is None else nanoseconds / 1e9)

    async def _counted(self, name: str, member: str) -> int | None:
        remote = SYSTEMD.at(unit_path(name), "org.freedesktop.DBus.Properties")
        with _said(f"{name} can't be looked at"):
            number = await self._listening.session().call(remote, "Get", "ss", SERVICE, member)
        return None if number == UNCOUNTED else int(number)

    async def start_unit(self, name: str, timeout: float = CALL_SECONDS) -> None:
        """Start the unit; returns when its start job is done."""
        with _said(f"{name} could not be started"):
            await self._job(name, "active", timeout, "StartUnit", "ss", name, "replace")

    async def start_transient(
        self, name: str, properties: Sequence[tuple[str, str, Any]], timeout: float = CALL_SECONDS
    ) -> None:
        """Make a unit with properties as (name, D-Bus signature, value), and start it; returns when it is started."""
        settings = [(key, variant(signature, value)) for key, signature, value in properties]
        with _said(f"{name} could not be started"):
            await self._job(
                name, "active", timeout, "StartTransientUnit", "ssa(sv)a(sa(sv))", name, "fail", settings, []
            )

    async def stop_unit(self, name: str, timeout: float = CALL_SECONDS) -> None:
        """Stop the unit; returns when its stop job is done, or the unit is unknown."""
        with _said(f"{name} could not be stopped"), _unless_unknown():
            await self._job(name, "inactive", timeout, "StopUnit", "ss", name, "replace")

    async def kill_unit(self, name: str, whom: str, signal: int) -> None:
        """Send the signal to the unit's processes: `whom` is "main", "control" or "all"."""
        with _said(f"{name} could not be signalled"):
            await self._listening.session().call(SYSTEMD, "KillUnit", "ssi", name, whom, int(signal))

    async def reset_failed(self, name: str) -> None:
        """Forget that the unit failed; nothing if it is unknown."""
        with _said(f"{name} could not be reset"), _unless_unknown():
            await self._listening.session().call(SYSTEMD, "ResetFailedUnit", "s", name)

    async def unregister(self, machine: str) -> None:
        """Have machined forget a machine that has ended; nothing if it is unknown."""
        with _said(f"{machine} could not be forgotten"), _unless_unknown():
            await self._listening.session().call(MACHINED, "UnregisterMachine", "s", machine)

    async def reload(self) -> None:
        """Have systemd read its unit files again."""
        with _said("systemd could not read its unit files again"):
            await self._listening.session().call(SYSTEMD, "Reload")

    async def _job(self, unit: str, wanted: str, timeout: float, member: str, signature: str, *body: object) -> None:
        """Have systemd do a job; returns when it is done. `wanted` is the ActiveState that tells so by itself."""
        job = Deferred.fromCoroutine(self._listening.session().job(member, signature, *body, timeout=timeout))
        try:
            result = await job.addTimeout(timeout, self.reactor)
        except defer.TimeoutError as error:
            raise ContainerError(f"systemd's job is not done after {timeout:g} seconds") from error
        if result == "done" or (not result and (await self.unit(unit)).active == wanted):
            return
        why = ENDINGS.get(result, f"systemd's job ended as {result or 'unknown'!r}")
        raise ContainerError(f"{why}; 'systemctl status {unit}' says why")


async def _all(asked: list[Deferred[Machine | None]]) -> list[Machine | None]:
    try:
        return await gatherResults(asked, consumeErrors=True)
    except FirstError as error:
        error.subFailure.raiseException()


async def _machine(session: BusSession, name: str, path: str) -> Machine | None:
    """What machined tells of that machine; None if it has gone meanwhile."""
    remote = MACHINED.at(path, "org.freedesktop.DBus.Properties")
    try:
        seen = await session.call(remote, "GetAll", "s", "org.freedesktop.machine1.Machine")
    except CallRefused as error:
        if error.name not in NOWHERE:
            raise
        return None
    return Machine(name=name, unit=seen["Unit"], leader=seen["Leader"])


def unit_path(name: str) -> str:
    """The object path of the unit, escaped as systemd does."""
    escaped = "".join(
        chr(byte) if chr(byte).isascii() and chr(byte).isalnum() and (at or not chr(byte).isdigit()) else f"_{byte:02x}"
        for at, byte in enumerate(name.encode())
    )
    return f"/org/freedesktop/systemd1/unit/{escaped or '_'}"


@contextmanager
def _said(what: str) -> Iterator[None]:
    """Say what could not be done in front of why."""
    try:
        yield
    except ContainerError as error:
        raise ContainerError(f"{what}: {error}") from error


@contextmanager
def _unless_unknown() -> Iterator[None]:
    try:
        yield
    except CallRefused as error:
        if error.name not in NOWHERE:
            raise
