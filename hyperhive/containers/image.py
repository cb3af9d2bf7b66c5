"""The image that machines are started from: a root tree that only the operator writes."""

from __future__ import annotations

import errno
import os
from pathlib import Path

from attrs import frozen

from hyperhive.errors import ContainerError
from hyperhive.images import MOUNT_POINTS

NEEDED = tuple(point for point in MOUNT_POINTS if "/" not in point)
"""The mount points that the tree must have; what is below a directory of its own making systemd-nspawn makes."""
UNCHANGED = frozenset({"boot", "dev", "lost+found", "media", "mnt", "proc", "run", "sys", "tmp", *NEEDED})


@frozen(kw_only=True)
class User:
    """A user as the image's own `/etc/passwd` has it."""

    name: str
    uid: int
    gid: int
    home: str


@frozen
class Image:
    """The tree at `root`."""

    root: Path

    def directories(self) -> list[str]:
        """The directories at its top that an agent may change for itself. Raises ContainerError for no fit image."""
        try:
            found = [entry.name for entry in self.root.iterdir() if entry.is_dir() and not entry.is_symlink()]
        except OSError as error:
            raise ContainerError(
                f"the image {self.root} can't be read ({error.strerror}); 'hivectl image build' makes one"
            ) from error
        for point in NEEDED:
            if point not in found:
                raise ContainerError(f"the image {self.root} has no directory /{point}; make it, it stays empty")
        return sorted(name for name in found if name not in UNCHANGED)

    def user(self, name: str) -> User:
        """That user. Raises ContainerError if there is none, or it has no home that something can be mounted on."""
        for fields in (line.split(":") for line in self._users()):
            if fields[0] == name and len(fields) == 7 and _is_id(fields[2]) and _is_id(fields[3]):
                user = User(name=name, uid=int(fields[2]), gid=int(fields[3]), home=fields[5])
                self._check_home(user)
                return user
        raise ContainerError(f"the image {self.root} has no user '{name}'; add one, or set 'nspawn.user' to another")

    def _users(self) -> list[str]:
        try:
            # A link would lead out of the image, to the host's own users perhaps.
            etc = os.open(self.root / "etc", os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
            try:
                passwd = os.open("passwd", os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=etc)
            finally:
                os.close(etc)
            with os.fdopen(passwd, encoding="utf-8", errors="replace") as file:
                return file.read().splitlines()
        except OSError as error:
            why = "it is a link" if error.errno == errno.ELOOP else error.strerror
            raise ContainerError(
                f"the image {self.root} has no /etc/passwd that can be read ({why}); 'hivectl image build' makes one"
            ) from error

    def _check_home(self, user: User) -> None:
        parts = Path(user.home).parts
        if parts[:1] != ("/",) or ".." in parts or parts[1:2] == () or parts[1] not in self.directories():
            raise ContainerError(
                f"'{user.name}' of the image {self.root} has the home '{user.home}', where nothing can be mounted; "
                "give it one such as /home/agent"
            )


def _is_id(field: str) -> bool:
    return field.isascii() and field.isdigit() and int(field) < 65536
