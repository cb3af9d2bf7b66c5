"""What can be known of the peer at the other end of a Unix socket."""

from __future__ import annotations

import ctypes
import errno
import fcntl
import select
import socket
import struct
import termios
from typing import Any, Final

from attrs import frozen

SO_PEERGROUPS: Final = 59
FEW_GROUPS: Final = 64
_GID: Final = 4
_libc = ctypes.CDLL(None, use_errno=True)


@frozen
class Credentials:
    """Who a peer is, by the kernel's word."""

    pid: int
    uid: int
    gid: int


@frozen
class Peer:
    """The peer of one connected transport (a `twisted.internet.unix.Server`)."""

    transport: Any

    def owed(self) -> bool:
        """Whether some of what we wrote still waits in our own buffer."""
        transport = self.transport
        return bool(len(transport.dataBuffer) - transport.offset + transport._tempDataLen)  # noqa: SLF001 - it is part of the buffer

    def has_read_all(self) -> bool:
        """Whether the peer has read all that was written to it: our buffer is empty, and the kernel's too.

        The kernel's is also empty when the peer is gone, whatever it had not read; then this can't be known here.
        """
        if self.owed():
            return False
        try:
            waiting = fcntl.ioctl(self.transport.fileno(), termios.TIOCOUTQ, b"\0\0\0\0")
        except OSError:
            return False
        return waiting == b"\0\0\0\0" and not self.hung_up()

    def hung_up(self) -> bool:
        """Whether the peer closed both directions, where the end of its sending is all that was seen."""
        return self._polled(select.POLLHUP)

    def asks_no_more(self) -> bool:
        """Whether the peer closed at least its sending direction, seen even before all that it sent is read."""
        return self._polled(select.POLLRDHUP)

    def credentials(self) -> Credentials:
        """The process that connected."""
        size = struct.calcsize("3i")
        packed = self.transport.socket.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, size)
        return Credentials(*struct.unpack("3i", packed))

    def groups(self) -> frozenset[int]:
        """Every group that the process was in when it connected."""
        return frozenset((self.credentials().gid, *_supplementary(self.transport.fileno())))

    def _polled(self, what: int) -> bool:
        poll = select.poll()
        poll.register(self.transport.fileno(), what)
        return any(event & what for _, event in poll.poll(0))


def _supplementary(descriptor: int) -> list[int]:
    """The peer's supplementary groups; none where the kernel won't tell.

    Python's own getsockopt has room for 256, and a process may be in 65536.
    """
    size = ctypes.c_uint(FEW_GROUPS * _GID)
    while True:
        packed = ctypes.create_string_buffer(size.value)
        if not _libc.getsockopt(descriptor, socket.SOL_SOCKET, SO_PEERGROUPS, packed, ctypes.byref(size)):
            return list(struct.unpack_from(f"{size.value // _GID}I", packed))
        # The kernel has put the size that it needs there.
        if ctypes.get_errno() != errno.ERANGE:
            return []
