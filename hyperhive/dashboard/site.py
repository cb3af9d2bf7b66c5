"""The console as a service: where it listens, and why it does not."""

from __future__ import annotations

from typing import Any, ClassVar, Final

from attrs import define, field
from twisted.application.service import Service
from twisted.internet.endpoints import serverFromString
from twisted.internet.error import CannotListenError
from twisted.internet.interfaces import IAddress
from twisted.logger import Logger
from twisted.web.resource import Resource

from hyperhive.dashboard.channel import Site
from hyperhive.dashboard.events import Events
from hyperhive.dashboard.files import Files, own_files
from hyperhive.dashboard.guard import Place
from hyperhive.dashboard.resource import Console
from hyperhive.dashboard.services import Services
from hyperhive.dashboard.templating import environment
from hyperhive.origins import origin
from hyperhive.wire import records

OFF: Final = "off"


@define(eq=False)
class Dashboard(Service):
    """Listens for browsers, where it can; where it can't, everything else runs all the same."""

    name = "dashboard"
    _log: ClassVar[Logger] = Logger()

    _reactor: Any
    _services: Services
    _listen: str
    _url: str | None
    _port: Any = field(default=None, init=False)
    _events: Events | None = field(default=None, init=False)
    _site: Site | None = field(default=None, init=False)
    where: records.Console = field(factory=lambda: records.Console(off="the console has not started yet"), init=False)

    async def start(self) -> None:
        """Listen; what prevents that is said in the log, and by `where`."""
        super().startService()
        if self._listen == OFF:
            self.where = records.Console(off="the console was switched off by 'dashboard = \"off\"'")
            return
        self._site = Site(self._reactor)
        try:
            self._port = await serverFromString(self._reactor, _endpoint(self._listen)).listen(self._site)
        except (CannotListenError, ValueError, OSError) as error:
            reason = getattr(error, "socketError", None) or error
            sentence = f"the console can't listen at {self._listen} ({reason}); name another place with --dashboard"
            self._stay_off(sentence)
            return
        place = await self._place(self._port.getHost())
        if place is None:
            await self._stop_listening()
            self._stay_off(f"the console at {self._listen} has no address for browsers; name one with 'dashboard_url'")
            return
        self._site.resource = self._root(place)
        self.where = records.Console(url=place.url)
        # Not by its name: logs are read by more people than may open `host.sock`.
        self._log.info("the console listens at {listen}; 'hivectl dashboard' opens it", listen=self._listen)

    async def stopService(self) -> None:
        """Stop listening, and end every stream and every connection on which nothing is asked."""
        super().stopService()
        self.where = records.Console(off="the daemon is stopping")
        await self._stop_listening()
        if self._events is not None:
            self._events.close()
        if self._site is not None:
            self._site.close()

    def _stay_off(self, sentence: str) -> None:
        self.where = records.Console(off=sentence)
        self._log.warn("{sentence}", sentence=sentence)

    async def _stop_listening(self) -> None:
        if self._port is not None:
            port, self._port = self._port, None
            await port.stopListening()

    async def _place(self, address: IAddress) -> Place | None:
        """What browsers call the console that listens there; None if nobody has said."""
        if self._url is not None:
            return Place(self._url)
        port = getattr(address, "port", None)
        return None if port is None else Place(own_url(await self._services.sessions.label(), port))

    def _root(self, place: Place) -> Resource:
        files, templates = Files(own_files()), environment()
        templates.globals["file"] = files.address
        self._events = Events(self._services, place)
        root = _Root(Console(self._services, place, templates))
        root.putChild(b"static", files)
        root.putChild(b"events", self._events)
        return root


class _Root(Resource):
    """Everything that has no resource of its own is the console's."""

    def __init__(self, console: Resource) -> None:
        super().__init__()
        self._console = console

    def getChild(self, path: bytes, request: Any) -> Resource:
        """The console."""
        return self._console


def own_url(label: str, port: int) -> str:
    """The console at that port of this machine, by a name of its own that nobody can guess.

    Cookies know no ports: whatever else listens on this machine is sent the cookie by a browser that it leads to
    itself by the console's name. The label stands in the part below `localhost`, so that to browsers no guessable name
    is of the same site, or may set a cookie for this one.
    """
    return origin("http", f"hive-{label}.localhost", port)


def _endpoint(listen: str) -> str:
    """`127.0.0.1:7000`, `[::1]:7000`, or an endpoint as Twisted writes them, such as `unix:/run/console.sock`."""
    host, _, port = listen.rpartition(":")
    if not port.isdigit() or not (host == "localhost" or "." in host or host.startswith("[")) or "=" in host:
        return listen
    return f"tcp:{port}:interface=" + host.strip("[]").replace(":", r"\:")
