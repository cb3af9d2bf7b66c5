"""A hive whose agents try to get out, and how that is told to have failed."""

from __future__ import annotations

from pathlib import Path

from attrs import define

from tests.host.hives import NspawnHive
from tests.host.puppets import Puppet

FORBIDDEN = {"EPERM", "EACCES"}
"""How the kernel or the machine's filter of system calls says that somebody may not."""
NOT_THERE = {"ENOENT", "ENOTDIR", "EACCES"}
READ_ONLY = {"EROFS", "EACCES", "EPERM"}
OUT_OF_REACH = {"EHOSTUNREACH", "ENETUNREACH"}
PREFIXES = ("", "/proc/1/root", "/proc/self/root", "/proc/1/cwd/..", "/run/host", "/run/host/incoming", "/state/..")
CONSOLE = 7070
"""Where the console listens, at every address of the host's: no operator would, and an agent does not get there."""
NEW_NAMESPACES = "system('unshare', 0x10000000 | 0x00020000)\n"


@define
class Den:
    """A hive whose agents run as `user` in their machines."""

    hive: NspawnHive
    user: str
    secret: Path

    @property
    def alice(self) -> Puppet:
        """The one that tries."""
        return Puppet(self.hive, "alice")

    @property
    def bob(self) -> Puppet:
        """The other one."""
        return Puppet(self.hive, "bob")


def ip(words: str) -> str:
    """Python that runs `ip`, and has what it complained of as `result`."""
    run = f"subprocess.run(['ip', *{words.split()}], capture_output=True, text=True)"
    return f"import subprocess; result = {run}.stderr"
