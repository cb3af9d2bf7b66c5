"""What the runner remembers from one process to the next, and after its own end: session, token, the last process."""

from __future__ import annotations

import os
from pathlib import Path
from typing import ClassVar, Final

from twisted.logger import Logger

SESSION: Final = "claude-session"
RUN: Final = "claude-run"
TOKEN: Final = "claude-token"  # noqa: S105 - the name of a file


class Remembered:
    """A line in a file that only its owner may read, whole or not there. Where it can't be written, the log says so."""

    _log: ClassVar[Logger] = Logger()

    def __init__(self, path: Path) -> None:
        self._path = path
        self._said = self._read()

    def get(self) -> str | None:
        """What was set last, by this process or by one before."""
        return self._said

    def set(self, said: str | None) -> None:
        """Remember that instead; None: nothing."""
        if said == self._said:
            return
        self._said = said
        try:
            self._write(said)
        except OSError as error:
            self._log.error("{path} can't be written: {why}", path=str(self._path), why=error.strerror)

    def _read(self) -> str | None:
        try:
            return self._path.read_text(errors="replace").strip() or None
        except FileNotFoundError:
            return None
        except OSError as error:
            self._log.error("{path} can't be read: {why}", path=str(self._path), why=error.strerror)
            return None

    def _write(self, said: str | None) -> None:
        if said is None:
            self._path.unlink(missing_ok=True)
            return
        self._path.parent.mkdir(parents=True, exist_ok=True)
        new = self._path.with_name(f".{self._path.name}.new")
        new.unlink(missing_ok=True)
        file = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(file, "w") as out:
            out.write(f"{said}\n")
            out.flush()
            os.fsync(file)
        new.replace(self._path)
