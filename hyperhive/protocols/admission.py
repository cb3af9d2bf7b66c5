"""Who may speak on the operator's socket."""

from __future__ import annotations

import grp
import os

from attrs import frozen

from hyperhive.boundaries import IContainers
from hyperhive.protocols.peer import Peer


@frozen
class Operators:
    """Root, the user that runs the daemon, and the members of `group`, whose number is `gid`.

    `gid` is None, and the group has no say, where there is no such group, or we could not give it the socket.
    """

    group: str | None = None
    gid: int | None = None

    @classmethod
    def of(cls, group: str | None) -> Operators:
        """The operators, with the group looked up once: a lookup may ask the network, and blocks meanwhile."""
        return cls(group, None if group is None else _givable(group))

    def objection_to(self, peer: Peer) -> str | None:
        """Why that peer is no operator, as a sentence; None for one that is."""
        uid, own = peer.credentials().uid, os.geteuid()
        if uid in (0, own):
            return None
        if self.gid is None:
            return f"user {uid} may not speak here: this socket is for root and for user {own}, who runs the daemon"
        if self.gid in peer.groups():
            return None
        return (
            f"user {uid} may not speak here: this socket is for root, for user {own}, who runs the daemon, and for "
            f"the members of the group {self.group!r}; the groups that count are those of the process that connects"
        )


@frozen
class Speaker:
    """Who may speak on an agent's socket: a process of the agent itself, root, and the user that runs the daemon."""

    name: str
    containers: IContainers

    def objection_to(self, peer: Peer) -> str | None:
        """Why that peer is not the agent, as a sentence; None for one that can be."""
        uid = peer.credentials().uid
        if uid in (0, os.geteuid()) or self.containers.owns(self.name, uid):
            return None
        return f"user {uid} may not speak here: this socket is for the agent '{self.name}' in its own container"


def _givable(group: str) -> int | None:
    try:
        gid = grp.getgrnam(group).gr_gid
    except KeyError:
        return None
    return gid if os.geteuid() == 0 or gid in (os.getegid(), *os.getgroups()) else None
