"""A desk that answers as the test says, and what it is asked."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from attrs import define, field
from twisted.internet.defer import Deferred

from hyperhive.errors import Refused
from hyperhive.protocols.answers import Following, Handed, Stream
from hyperhive.wire import agent_requests as ask
from hyperhive.wire import manager_requests, responses
from tests.protocols.stage import turn

STATUS, RECV, WAIT = '{"cmd":"status"}', '{"cmd":"recv"}', '{"cmd":"whoami"}'
BATCH = '{"cmd":"recv","max":32}'
EMPTY = {"kind": "empty"}


@define(eq=False)
class Lease:
    """Remembers what became of an answer."""

    outcome: str | None = None

    def was_read(self) -> None:
        assert self.outcome is None
        self.outcome = "read"

    def was_not_read(self) -> None:
        assert self.outcome is None
        self.outcome = "not read"

    def was_not_written(self) -> None:
        assert self.outcome is None
        self.outcome = "not written"


@define(eq=False, slots=False)
class ScriptedDesk:
    """`status` counts, `recv` waits until `mail` comes, `send` is refused, `renew` breaks, `whoami` waits for ever,
    `list` is followed."""

    look: Callable[[], None] = lambda: None
    count: int = 0
    parked: list[Deferred[Any]] = field(factory=list)
    leases: list[Lease] = field(factory=list)
    has_left: bool = False
    ended: int = 0
    stream: Stream = field(init=False)

    def answer(self, request: Any) -> Any:
        match request:
            case ask.Status():
                self.count += 1
                return responses.Status(self.count)
            case ask.Recv() | ask.Whoami():
                parked: Deferred[Any] = Deferred()
                self.parked.append(parked)
                return parked
            case ask.OperatorMsg(body=body):
                return self.hand_out(body)
            case ask.Send(to=to):
                message = f"nobody is called {to}"
                raise Refused(message)
            case ask.Recent(limit=limit):
                return responses.List(tuple("x" * 1000 for _ in range(limit)))
            case manager_requests.List():
                return Following(responses.Ok(), self._begin)
            case ask.GetOpenThreads():
                return self._slowly_refused()
            case _:
                raise ZeroDivisionError("broken")

    def hand_out(self, body: str) -> Handed:
        """An answer under a lease."""
        lease = Lease()
        self.leases.append(lease)
        return Handed(responses.Message(sender="bob", body=body), lease)

    def mail(self, body: str) -> None:
        """Mail for who waits longest."""
        self.parked.pop(0).callback(self.hand_out(body))

    def hurry(self) -> None:
        while self.parked:
            self.parked.pop(0).callback(responses.Empty())

    def left(self) -> None:
        self.has_left = True
        while self.parked:
            self.parked.pop(0).cancel()

    def outcomes(self) -> list[str | None]:
        """What became of each answer."""
        return [lease.outcome for lease in self.leases]

    def _begin(self, stream: Stream) -> Callable[[], None]:
        self.stream = stream
        stream.write_answer(responses.Empty())

        def end() -> None:
            self.ended += 1

        return end

    async def _slowly_refused(self) -> Any:
        raise Refused("not today")


def take(body: str) -> str:
    return f'{{"cmd":"operator_msg","body":"{body}"}}'


def fill(rows: int) -> str:
    """Ask for an answer of so many kilobytes."""
    return f'{{"cmd":"recent","limit":{rows}}}'


def status(count: int) -> dict[str, Any]:
    return {"kind": "status", "unread": count}


async def parked(desk: ScriptedDesk, count: int = 1) -> None:
    while len(desk.parked) < count:
        await turn()


async def left(desk: ScriptedDesk) -> None:
    while not desk.has_left:
        await turn()
