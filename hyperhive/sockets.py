"""The sockets: which path speaks which dialect to whom, opened and closed as agents come and go."""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from attrs import define, evolve, field
from twisted.internet.defer import maybeDeferred
from twisted.internet.error import CannotListenError
from twisted.internet.interfaces import IAddress, IListeningPort
from twisted.internet.protocol import Factory
from zope.interface import implementer

from hyperhive.boundaries import IContainers, IDoors
from hyperhive.errors import DoorError
from hyperhive.layout import Layout
from hyperhive.limits import MAX_CONNECTIONS
from hyperhive.protocols.admission import Speaker
from hyperhive.protocols.answers import Desk
from hyperhive.protocols.conversation import Conversation
from hyperhive.protocols.peer import Peer
from hyperhive.protocols.terms import Terms
from hyperhive.unix import Outgoing, Port
from hyperhive.wire.codec import AGENT, MANAGER, Dialect
from hyperhive.wire.names import MANAGER as THE_MANAGER

BACKLOG = 128
"""Connections that the kernel holds until we take them."""


@define(eq=False)
class Speakers(Factory):
    """The conversations of one socket, at most so many at once."""

    _terms: Terms
    conversations: set[Conversation] = field(factory=set)
    turned_away: set[Conversation] = field(factory=set)

    noisy = False

    def __attrs_post_init__(self) -> None:
        self._terms = evolve(self._terms, gone=self._gone)

    def buildProtocol(self, addr: IAddress | None) -> Conversation | None:
        """A conversation; one too many is told so, and ends. Of those again, as many are told: the rest is cut off."""
        if len(self.conversations) < MAX_CONNECTIONS:
            conversation = Conversation(self._terms)
            self.conversations.add(conversation)
            return conversation
        if len(self.turned_away) >= MAX_CONNECTIONS:
            return None
        sentence = f"there are {MAX_CONNECTIONS} connections on this socket already; close one first"
        conversation = Conversation(evolve(self._terms, objection=lambda _: sentence))
        self.turned_away.add(conversation)
        return conversation

    def _gone(self, conversation: Conversation) -> None:
        self.conversations.discard(conversation)
        self.turned_away.discard(conversation)


@define(eq=False)
class _Door:
    path: Path
    port: IListeningPort
    speakers: Speakers


@implementer(IDoors)
@define(eq=False)
class Doors:
    """Every open socket of the hive. `desk` makes what answers an agent's connection."""

    _reactor: Any
    _layout: Layout
    _containers: IContainers
    _desk: Callable[[str, Callable[[], None]], Desk]
    _open: dict[str, _Door] = field(factory=dict, init=False)
    _outgoing: Outgoing = field(init=False)

    def __attrs_post_init__(self) -> None:
        self._outgoing = Outgoing(self._reactor)

    async def open(self, name: str) -> None:
        """Listen on the agent's socket, if that is not done yet, or its file was taken away. Raises DoorError."""
        door = self._open.get(name)
        if door is not None and not door.path.exists():
            await self.close(name)
        if name not in self._open:
            dialect = MANAGER if name == THE_MANAGER else AGENT
            terms = self._terms(dialect, lambda look: self._desk(name, look))
            terms = evolve(terms, objection=Speaker(name, self._containers).objection_to)
            path = self._layout.agent_socket(name)
            with _told_of(path):
                self._make_way(name)
            # Users whom only a container has must pass there; others are kept off by the directory above all doors.
            self._open[name] = await self._listen(path, terms, (0o755, 0o666))

    async def open_host(
        self, dialect: Dialect[Any, Any], desk: Desk, objection: Callable[[Peer], str | None], gid: int | None = None
    ) -> None:
        """Listen on the operator's socket, which the group with that number may reach too. Raises DoorError."""
        terms = evolve(self._terms(dialect, lambda _: desk), objection=objection)
        self._open[""] = door = await self._listen(self._layout.host_socket, terms)
        if gid is not None:
            _share(door.path, gid)

    async def close(self, name: str) -> None:
        """Close the agent's socket, if it is open, and take it and its directory away."""
        door = self._open.pop(name, None)
        if door is not None:
            await self._close(door)
            with contextlib.suppress(OSError):
                (self._layout.doors / name).rmdir()

    async def close_all(self) -> None:
        """Close every socket."""
        doors, self._open = list(self._open.values()), {}
        for door in doors:
            await self._close(door)

    def _terms(self, dialect: Dialect[Any, Any], desk: Callable[[Callable[[], None]], Desk]) -> Terms:
        return Terms(
            dialect=dialect,
            desk=desk,
            clock=self._reactor,
            objection=lambda _: None,
            gone=lambda _: None,
            outgoing=self._outgoing,
        )

    def _make_way(self, name: str) -> None:
        """Make the directory of all agents' doors, closed to others, and that of one; the manager's stands aside."""
        doors = self._layout.doors
        doors.mkdir(mode=0o700, parents=True, exist_ok=True)
        doors.chmod(0o700)
        (doors / name).mkdir(mode=0o700, exist_ok=True)
        aside = self._layout.agent_socket(name).parent
        if aside.parent != doors and not aside.is_symlink():
            with contextlib.suppress(FileNotFoundError):
                _clear(aside / "mcp.sock")
                aside.rmdir()
            aside.symlink_to((doors / name).relative_to(aside.parent))

    async def _listen(self, path: Path, terms: Terms, modes: tuple[int, int] = (0o700, 0o600)) -> _Door:
        speakers = Speakers(terms)
        of_directory, of_socket = modes
        with _told_of(path):
            path.parent.mkdir(mode=0o700, exist_ok=True)
            path.parent.chmod(of_directory)
            _clear(path)
            port = Port(os.fsencode(path), speakers, BACKLOG, of_socket, self._reactor)
            port.startListening()
        return _Door(path, port, speakers)

    async def _close(self, door: _Door) -> None:
        # Twisted unlinks the socket's file first, and would leave the socket open where somebody took the file away.
        with contextlib.suppress(OSError):
            door.path.parent.resolve().mkdir(mode=0o700, parents=True, exist_ok=True)  # the manager's is a link
            door.path.touch()
            await maybeDeferred(door.port.stopListening)
        for conversation in (*door.speakers.conversations, *door.speakers.turned_away):
            conversation.close()


@contextlib.contextmanager
def _told_of(path: Path) -> Iterator[None]:
    """What goes wrong meanwhile is a DoorError about that socket."""
    try:
        yield
    except OSError as error:
        message = f"the socket {path} can't be opened: {error.strerror}"
        raise DoorError(message) from error
    except CannotListenError as error:
        message = f"the socket {path} can't be opened: {error.socketError}"
        raise DoorError(message) from error


def _share(path: Path, gid: int) -> None:
    """Let a group connect to a socket that nobody but us could so far, and pass through its directory, no more."""
    try:
        for shared, mode in ((path, 0o660), (path.parent, 0o710)):
            os.chown(shared, -1, gid)
            shared.chmod(mode)
    except OSError as error:
        message = f"the socket {path} can't be given to group {gid}: {error.strerror}"
        raise DoorError(message) from error


def _clear(path: Path) -> None:
    """Take away the socket that a killed daemon left; the run directory's lock says that it is none of another's."""
    with contextlib.suppress(FileNotFoundError):
        if not stat.S_ISSOCK(path.lstat().st_mode):
            message = f"{path} is in the way of a socket of that name and is none; move it away"
            raise DoorError(message)
        path.unlink()
