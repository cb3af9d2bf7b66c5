"""Who may speak on the operator's socket."""

from __future__ import annotations

import os

from hyperhive.protocols.peer import Peer


def objection_to(peer: Peer) -> str | None:
    """Why that peer is not the operator, as a sentence; None for root and for the user that runs the daemon."""
    uid = peer.credentials().uid
    if uid in (0, os.geteuid()):
        return None
    return f"user {uid} may not speak here: this socket is for root and for user {os.geteuid()}, who runs the daemon"
