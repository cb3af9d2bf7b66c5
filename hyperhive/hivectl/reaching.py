"""Where the daemon's socket is, and how to reach it."""

from __future__ import annotations

import errno
import grp
import os
import pwd
import stat
from collections.abc import Iterable, Mapping, Sequence
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
_START_SERVICE: Final = (
    "'systemctl status hyperhive' says how the service stands and 'systemctl start hyperhive' starts it, "
    "or say with --socket where another daemon listens"
)
_START_THAT_ONE: Final = "start the daemon that has this socket, or name another one with --socket"
_BE_ANOTHER: Final = "try as root, or as the user who runs the daemon"
SERVICE: Final = Path("/etc/systemd/system/hyperhive.service")
"""The unit that makes the daemon a service."""
_REASONS: Final = {
    errno.ENOENT: ("does not exist", _START),
    errno.ENOTDIR: ("does not exist", _START),
    errno.EACCES: ("is not open to you", _BE_ANOTHER),
    errno.EPERM: ("is not open to you", _BE_ANOTHER),
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
    raise UnreachableError(f"no daemon reached: {tried}; {', or '.join(_hints(faults))}.")


def _hints(faults: Mapping[str, tuple[str, str]]) -> Iterable[str]:
    """What to do about each, once."""
    closed = [path for path, (_, hint) in faults.items() if hint is _BE_ANOTHER]
    if closed:  # and where a daemon is, none need be started
        return dict.fromkeys(_way_in(Path(path)) for path in closed)
    start = _START_THAT_ONE if len(faults) == 1 else _START_SERVICE if SERVICE.exists() else _START
    return dict.fromkeys(start if hint is _START else hint for _, hint in faults.values())


def _way_in(path: Path) -> str:
    """How to come to a socket that is there and not open to us: its directory's group, if it has one, may pass."""
    try:
        gid = path.parent.stat().st_gid
        group, user = grp.getgrgid(gid).gr_name, pwd.getpwuid(os.geteuid()).pw_name
    except (OSError, KeyError):
        return _BE_ANOTHER
    if gid == 0:
        return _BE_ANOTHER
    return f"its operators are the group {group!r}: 'sudo usermod -aG {group} {user}', then log in again"


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
