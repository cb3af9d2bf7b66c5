"""Files that `hivectl install` puts into a system, and knows again."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from attrs import frozen

MANUAL: Final = (1, 5, 8)
"""The sections of the manual that have pages of ours."""
MARK: Final = "Put here by 'hivectl install', which replaces no file that was changed; checksum "
"""How the comment goes that a file of ours begins with; the checksum is that of all after the first line."""


@frozen
class Piece:
    """One file: where it goes, and what is to stand in it. A `setting` is the operator's as soon as it is there."""

    path: Path
    text: str
    setting: bool

    @classmethod
    def of(cls, path: Path, text: str, *, setting: bool) -> Piece:
        """The file with its mark, as a comment of its own language."""
        return cls(path, f"{_mark(path, text)}\n{text}", setting)

    @property
    def is_page(self) -> bool:
        """Whether it is a page of the manual."""
        return _is_page(self.path)

    @property
    def is_there(self) -> bool:
        """Whether anything is there, and be it a link to nothing."""
        return self.path.is_symlink() or self.path.exists()

    @property
    def was_changed(self) -> bool:
        """Whether what is there is not as some `hivectl install` put it."""
        if self.path.is_symlink() or not self.path.is_file():
            return self.is_there
        head, _, text = self.path.read_text(encoding="utf-8", errors="replace").partition("\n")
        return head != _mark(self.path, text)

    @property
    def is_current(self) -> bool:
        """Whether to put it would change nothing."""
        return not self.path.is_symlink() and self.path.is_file() and self.path.read_bytes() == self.text.encode()

    def put(self) -> None:
        """Write it, whole or not at all."""
        from tempfile import mkstemp

        self.path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, beside = mkstemp(dir=self.path.parent, prefix=f".{self.path.name}.")
        with open(descriptor, "w", encoding="utf-8") as file:  # noqa: PTH123 - of a descriptor
            file.write(self.text)
            os.fchmod(descriptor, 0o644)
        Path(beside).replace(self.path)

    def remove(self) -> None:
        """Take it away, with the directory of drop-ins if it was the last."""
        self.path.unlink()
        if self.path.parent.name == "hyperhive.service.d" and not any(self.path.parent.iterdir()):
            self.path.parent.rmdir()


def _is_page(path: Path) -> bool:
    return path.suffix in {f".{number}" for number in MANUAL}


def _mark(path: Path, text: str) -> str:
    from hashlib import sha256

    sign = '.\\"' if _is_page(path) else "#"
    return f"{sign} {MARK}{sha256(text.encode()).hexdigest()[:16]}"
