"""What a systemd-nspawn that was killed has left on the host, in the way of the next one for the same machine."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from hyperhive.containers.commands import IReactor, run

EXPORTS: Final = Path("/run/systemd/nspawn/unix-export")
"""Where newer systemd (seen with 257, not with 252) mounts a directory for each machine, and wants none there."""


async def clear(reactor: IReactor, machine: str) -> None:
    """Take away the mount of a machine that does not run, if there is one. Raises ContainerError."""
    mount = EXPORTS / machine
    if mount.is_mount():
        # Among the host's own mounts: what a hardened service unmounts among its own stays on the host.
        await run(reactor, "nsenter", "--mount=/proc/1/ns/mnt", "umount", "--", str(mount))
