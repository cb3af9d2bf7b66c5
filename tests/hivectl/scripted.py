"""A daemon that says what it was told to say, through the real codec and over a real socket."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from attrs import define, field
from twisted.internet.protocol import Factory
from twisted.internet.utils import getProcessOutputAndValue
from twisted.protocols.basic import LineReceiver

from hyperhive.hivectl.client import Client
from hyperhive.hivectl.errands import Errand, Settings
from hyperhive.hivectl.screen import Screen
from hyperhive.hivectl.tree import cli
from hyperhive.wire.codec import HOST, WireError
from hyperhive.wire.responses import HostResponse

HIVECTL = str(Path(sys.executable).with_name("hivectl"))

Answer = HostResponse | bytes | Callable[["Conversation", Any], None]


class Conversation(LineReceiver):
    """One connection of the scripted daemon."""

    delimiter = b"\n"
    transport: Any

    def __init__(self, daemon: ScriptedDaemon) -> None:
        self.daemon = daemon

    def lineReceived(self, line: bytes) -> None:
        self.daemon.asked.append(line)
        try:
            request = HOST.request(line)
        except WireError as error:
            self.say(refused(str(error)))
            return
        answer = self.daemon.answers.get(type(request).__name__, OK)
        if callable(answer):
            answer(self, request)
        else:
            self.say(answer)

    def say(self, answer: HostResponse | bytes) -> None:
        self.sendLine(answer if isinstance(answer, bytes) else HOST.line_of_answer(answer))


@define(eq=False)
class ScriptedDaemon:
    """`answers` by the name of the request's class; what is not there is answered with a bare ok."""

    path: str
    answers: dict[str, Answer] = field(factory=dict)
    asked: list[bytes] = field(factory=list)

    def listen(self) -> Any:
        """Listen from now on; gives the port."""
        from twisted.internet import reactor

        loop: Any = reactor
        factory: Any = Factory()
        factory.protocol = lambda: Conversation(self)
        return loop.listenUNIX(self.path, factory)

    async def run(self, *arguments: str, terminal: bool = False) -> Ran:
        """`hivectl` with these arguments, in this process."""
        errand, settings = understood(*arguments)
        out, err = (Terminal(), Terminal()) if terminal else (io.StringIO(), io.StringIO())
        status = await self.client(settings, Screen(out, err)).run(errand)
        return Ran(status, out.getvalue(), err.getvalue())

    def client(self, settings: Settings, screen: Screen) -> Client:
        from twisted.internet import reactor

        return Client(reactor, (self.path,), settings, screen)

    async def start(self, *arguments: str, **environ: str) -> Ran:
        """`hivectl` with these arguments, as a process of its own."""
        return await start(*arguments, HIVE_HOST_SOCKET=self.path, **environ)


class Terminal(io.StringIO):
    """Text that takes itself for a terminal."""

    def isatty(self) -> bool:
        return True


class Ran(NamedTuple):
    """What came of a run."""

    status: int
    out: str
    err: str


OK = HostResponse(ok=True)


def refused(sentence: str) -> HostResponse:
    return HostResponse(ok=False, error=sentence)


def understood(*arguments: str) -> tuple[Errand, Settings]:
    """What a command line comes to."""
    settings = Settings()
    errand: Errand = cli.main(list(arguments), "hivectl", standalone_mode=False, obj=settings)
    return errand, settings


async def start(*arguments: str, **environ: str) -> Ran:
    """The installed `hivectl` as a process."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("HIVE", "XDG"))}
    out, err, status = await getProcessOutputAndValue(HIVECTL, _encoded(arguments), {**inherited, **environ})
    return Ran(status, out.decode(), err.decode())


def _encoded(arguments: Sequence[str]) -> list[str]:
    return [argument.encode() for argument in arguments]  # type: ignore[misc]
