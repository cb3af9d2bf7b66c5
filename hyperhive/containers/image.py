"""The image that machines are started from: a root tree that only the operator writes."""

from __future__ import annotations

from pathlib import Path

from attrs import frozen

from hyperhive.errors import ContainerError

MOUNT_POINTS = ("state", "agents", "applied")
UNCHANGED = frozenset({"boot", "dev", "lost+found", "media", "mnt", "proc", "run", "sys", "tmp", *MOUNT_POINTS})


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
        for point in MOUNT_POINTS:
            if point not in found:
                raise ContainerError(f"the image {self.root} has no directory /{point}; make it, it stays empty")
        return sorted(name for name in found if name not in UNCHANGED)

    def user(self, name: str) -> User:
        """That user. Raises ContainerError if there is none."""
        try:
            lines = (self.root / "etc/passwd").read_text(encoding="utf-8", errors="replace").splitlines()
        except OSError as error:
            raise ContainerError(
                f"the image {self.root} has no /etc/passwd that can be read ({error.strerror}); "
                "'hivectl image build' makes an image"
            ) from error
        for fields in (line.split(":") for line in lines):
            if fields[0] == name and len(fields) == 7 and fields[2].isdigit() and fields[3].isdigit():
                return User(name=name, uid=int(fields[2]), gid=int(fields[3]), home=fields[5])
        raise ContainerError(f"the image {self.root} has no user '{name}'; add one, or set 'nspawn.user' to another")
