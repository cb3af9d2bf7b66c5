"""The end of a rotated log, read from behind."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

from hyperhive.containers.keeper import LOG_FILES

MOST_LINES = 10_000
MOST_BYTES = 1024 * 1024
BLOCK = 64 * 1024


def last_lines(directory: Path, lines: int) -> list[str]:
    """The last lines there are, oldest first, of no more than `MOST_LINES` lines and `MOST_BYTES` bytes."""
    wanted = min(lines, MOST_LINES)
    if wanted <= 0:
        return []
    found = bytearray()
    for block in _blocks_from_behind(directory):
        found[:0] = block
        if found.count(b"\n") > wanted or len(found) >= MOST_BYTES:
            break
    return found[-MOST_BYTES:].decode(errors="replace").removesuffix("\n").split("\n")[-wanted:] if found else []


def _blocks_from_behind(directory: Path) -> Iterator[bytes]:
    seen = set()
    for name in LOG_FILES:
        try:
            descriptor = os.open(directory / name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        except OSError:
            continue
        try:
            status = os.fstat(descriptor)
            # A rotation while we read may show us the same file under its next name.
            if stat.S_ISREG(status.st_mode) and status.st_ino not in seen:
                seen.add(status.st_ino)
                for start in range((status.st_size - 1) // BLOCK * BLOCK, -1, -BLOCK):
                    yield os.pread(descriptor, min(BLOCK, status.st_size - start), start)
        finally:
            os.close(descriptor)
