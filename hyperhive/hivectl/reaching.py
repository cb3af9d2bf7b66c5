"""Where the daemon's socket is, and how to reach it."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from twisted.internet.endpoints import UNIXClientEndpoint, connectProtocol
from twisted.internet.error import ConnectError

from hyperhive.limits import SOCKET_PATH_BYTES
from hyperhive.protocols.asker import Asker
from hyperhive.wire.codec import HOST

_START: Final = (
    "start one with 'make run' in a clone of hyperhive or with 'twistd -n hyperhive', "
    "or say with --socket where it listens"
)
_START_THAT_ONE: Final = "start the daemon that has this socket, or name another one with --socket"
_REASONS: Final = {
    errno.ENOENT: ("does not exist", _START),
    errno.ENOTDIR: ("does not exist", _START),
    errno.EACCES: ("is not open to you", "try as root, or as the user who runs the daemon"),
    errno.EPERM: ("is not open to you", "try as root, or as the user who runs the daemon"),
    errno.ECONNREFUSED: ("is there, but no daemon listens on it", _START),
    errno.ENOTSOCK: ("is no socket", "name the daemon's host.sock with --socket"),
    errno.EAGAIN: ("has too many callers waiting", "try again in a moment"),
}


class UnreachableError(Exception):
    """No daemon, or none that answers; the text is a sentence that says what was tried and what to do."""


class RefusedError(Exception):
    """The daemon said no; the text is its sentence."""


class OperationError(Exception):
    """The operation that we waited for did not succeed; the text is a sentence."""


async def connect(reactor: Any, paths: Sequence[str]) -> Asker:
    """A connection to the first of `paths` that takes one. Raises UnreachableError.

    A single path was named by the operator, and a daemon that was started anyhow would not have it.
    """
    faults: dict[str, tuple[str, str]] = {}
    for path in paths:
        try:
            return await _connected(reactor, path)
        except (ConnectError, OSError) as error:
            faults[path] = _reason(error)
    tried = "; ".join(f"{path} {what}" for path, (what, _) in faults.items())
    hints = dict.fromkeys(
        _START_THAT_ONE if hint is _START and len(paths) == 1 else hint for _, hint in faults.values()
    )
    raise UnreachableError(f"no daemon reached: {tried}; {', or '.join(hints)}.")


async def _connected(reactor: Any, path: str) -> Asker:
    if len(os.fsencode(path)) > SOCKET_PATH_BYTES:
        raise OSError(errno.ENAMETOOLONG, f"is longer than the {SOCKET_PATH_BYTES} bytes of a socket path")
    # A file that is no socket refuses as a socket does behind which nobody listens.
    if not stat.S_ISSOCK(Path(path).stat().st_mode):
        raise OSError(errno.ENOTSOCK, os.strerror(errno.ENOTSOCK))
    endpoint = UNIXClientEndpoint(reactor, path)
    asker: Asker = await connectProtocol(endpoint, Asker(HOST))
    return asker


def _reason(error: Exception) -> tuple[str, str]:
    number = error.errno if isinstance(error, OSError) else getattr(error, "osError", None)
    if number == errno.ENAMETOOLONG:
        return str(getattr(error, "strerror", error)), "say a shorter one with --socket"
    text = getattr(error, "strerror", None) or str(error)
    return _REASONS.get(number or 0, (f"could not be opened ({text})", _START))
