"""One connection to the system bus from its greeting to its loss: whom it listens to, and the jobs it waits for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from attrs import define, field
from twisted.internet.defer import Deferred
from twisted.logger import Logger

from hyperhive.containers.dbus import CALL_SECONDS, CallRefused, Connection, IReactor, Remote
from hyperhive.containers.dbus_protocol import Signal
from hyperhive.errors import ContainerError

BUS = Remote("org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus")
MACHINED = Remote("org.freedesktop.machine1", "/org/freedesktop/machine1", "org.freedesktop.machine1.Manager")
# The bus can't start the first process; if told to, it says so in words that nobody understands.
SYSTEMD = Remote(
    "org.freedesktop.systemd1", "/org/freedesktop/systemd1", "org.freedesktop.systemd1.Manager", starts=False
)
NOBODY = frozenset(f"org.freedesktop.DBus.Error.{name}" for name in ("NameHasNoOwner", "ServiceUnknown", "NoReply"))
RULES = (
    *(
        f"type='signal',sender='{BUS.name}',interface='{BUS.interface}',member='NameOwnerChanged',arg0='{remote.name}'"
        for remote in (SYSTEMD, MACHINED)
    ),
    f"type='signal',sender='{MACHINED.name}',interface='{MACHINED.interface}'",
    f"type='signal',sender='{SYSTEMD.name}',interface='{SYSTEMD.interface}',member='JobRemoved'",
)


@define(eq=False)
class _Job:
    """A job that is waited for. Its end may be told before its path: `results` has every end told meanwhile."""

    path: str = ""
    results: dict[str, str] = field(factory=dict)
    ended: Deferred[str] = field(factory=Deferred)

    def heard(self, path: str, result: str) -> None:
        if not self.path or path == self.path:
            self.results[path] = result
            self.settle()

    def settle(self) -> None:
        if self.path in self.results and not self.ended.called:
            self.ended.callback(self.results[self.path])


@define(eq=False)
class BusSession:
    """Listens over a connection, and calls `hint` when a machine came or went, or systemd or machined did."""

    _log: ClassVar[Logger] = Logger()

    reactor: IReactor
    hint: Callable[[], None]
    connection: Connection = field(init=False)
    _owners: dict[str, str] = field(init=False, factory=dict)
    _left: float = field(init=False, default=0.0)
    _jobs: set[_Job] = field(init=False, factory=set)

    async def listen(self) -> None:
        """Begin to hear; raises ContainerError if there is no systemd on the bus."""
        for rule in RULES:
            await self.connection.call(BUS, "AddMatch", "s", rule)
        for remote in (SYSTEMD, MACHINED):
            try:
                self._owners[remote.name] = await self.connection.call(BUS, "GetNameOwner", "s", remote.name)
            except CallRefused:
                self._owners[remote.name] = ""
        await self._subscribe()

    async def call(
        self, remote: Remote, member: str, signature: str = "", *body: object, timeout: float = CALL_SECONDS
    ) -> Any:
        """As Connection.call, but a sentence of ours where the bus says that nobody has the name."""
        try:
            return await self.connection.call(remote, member, signature, *body, timeout=timeout)
        except CallRefused as error:
            if error.name not in NOBODY:
                raise
            raise ContainerError(f"{remote.name} is not on the system bus at this moment") from error

    async def job(self, member: str, signature: str, *body: object, timeout: float) -> str:
        """Have systemd do a job, and return its result when it ends; an empty one if that went by unheard."""
        job = _Job()
        self._jobs.add(job)
        try:
            job.path = await self.call(SYSTEMD, member, signature, *body, timeout=timeout)
            job.settle()
            return await job.ended
        finally:
            self._jobs.discard(job)

    def close(self) -> None:
        """Give the connection up."""
        self.connection.close()

    def lost(self) -> None:
        """The connection is lost: nothing more will be heard of any job."""
        for job in [*self._jobs]:
            # Without a path it waits for an answer to its call, which fails as well.
            if job.path and not job.ended.called:
                job.ended.errback(ContainerError("the system bus was lost while systemd was at it"))

    @property
    def deaf(self) -> str | None:
        """Whether systemd itself has left the bus, as a sentence."""
        return None if self._owners.get(SYSTEMD.name) else f"systemd left the system bus at {self._left:.0f}"

    def heard(self, signal: Signal) -> None:
        """A signal came: of whoever owns the right name at this moment, or of nobody that counts."""
        match signal:
            case Signal(sender=BUS.name, member="NameOwnerChanged", body=[name, _, owner]) if name in self._owners:
                self._owner_changed(name, owner)
            case Signal(interface=MACHINED.interface, member="MachineNew" | "MachineRemoved"):
                if self._is_from(MACHINED, signal):
                    self.hint()
            case Signal(interface=SYSTEMD.interface, member="JobRemoved", body=[_, path, _, result]):
                if self._is_from(SYSTEMD, signal):
                    for job in [*self._jobs]:
                        job.heard(path, result)

    def _is_from(self, remote: Remote, signal: Signal) -> bool:
        return bool(signal.sender) and signal.sender == self._owners.get(remote.name)

    def _owner_changed(self, name: str, owner: str) -> None:
        self._owners[name] = owner
        if name == SYSTEMD.name and owner:
            Deferred.fromCoroutine(self._take_up()).addErrback(
                lambda failure: self._log.failure("systemd is not listened to any more", failure)
            )
            return
        if name == SYSTEMD.name:
            self._left = self.reactor.seconds()
        self.hint()

    async def _take_up(self) -> None:
        """Another systemd is on the bus, or the same one executed anew: subscribe, and ask for what was missed."""
        try:
            await self._subscribe()
            for job in [job for job in self._jobs if job.path]:
                await self._check(job)
        except ContainerError:
            self.close()  # a new connection begins from the beginning
            return
        self.hint()

    async def _check(self, job: _Job) -> None:
        try:
            await self.call(SYSTEMD.at(job.path, "org.freedesktop.DBus.Properties"), "GetAll", "s", "")
        except CallRefused:
            job.heard(job.path, "")

    async def _subscribe(self) -> None:
        try:
            await self.call(SYSTEMD, "Subscribe")
        except CallRefused as error:
            if error.name != "org.freedesktop.systemd1.AlreadySubscribed":
                raise
