"""Processes as `/proc` shows them; what vanishes while we look was not there."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from attrs import frozen

PROC = Path("/proc")


@frozen(kw_only=True)
class Process:
    """One process at the moment it was looked at; `started` is in clock ticks since boot, `ended` means a zombie.

    `ticks` is the processor time that it and the children it has waited for have used, in clock ticks.
    """

    pid: int
    session: int
    started: int
    ended: bool
    ticks: int = 0


def look(pid: int) -> Process | None:
    """The process of that number, if there is one."""
    try:
        stat = (PROC / str(pid) / "stat").read_bytes()
    except (FileNotFoundError, ProcessLookupError):
        return None
    fields = stat.rpartition(b")")[2].split()
    return Process(
        pid=pid,
        session=int(fields[3]),
        started=int(fields[19]),
        ended=fields[0] in b"ZX",
        ticks=sum(map(int, fields[11:15])),
    )


def memory(pid: int) -> int | None:
    """Bytes of memory that the process holds, its share of what it shares; 0 if it has ended, None if nobody says."""
    try:
        lines = (PROC / str(pid) / "smaps_rollup").read_text().splitlines()
    except (FileNotFoundError, ProcessLookupError):
        return 0
    except OSError:
        return None
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:")), None)


def command(pid: int) -> str:
    """What the process calls itself, in 15 characters; empty if it has ended."""
    process = look(pid)
    if process is None or process.ended:
        return ""
    try:
        return (PROC / str(pid) / "comm").read_text(errors="replace").strip()
    except (FileNotFoundError, ProcessLookupError):
        return ""


def ours() -> Iterator[int]:
    """The numbers of this user's processes."""
    with os.scandir(PROC) as entries:
        for entry in entries:
            try:
                if entry.name.isdigit() and entry.stat(follow_symlinks=False).st_uid == os.geteuid():
                    yield int(entry.name)
            except FileNotFoundError:
                continue


def environment(pid: int) -> dict[bytes, bytes]:
    """What the process got as its environment when it was executed; empty if that can't be known."""
    try:
        block = (PROC / str(pid) / "environ").read_bytes()
    except OSError:
        return {}
    pairs = (item.partition(b"=") for item in block.split(b"\0"))
    return {key: value for key, separator, value in pairs if separator}


def boot() -> str:
    """Which boot of the machine this is; process numbers and start times of another one mean nothing."""
    return (PROC / "sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
