"""The machine that the figures come from, as far as it can be told from inside."""

from __future__ import annotations

import os
import platform
import re
import sqlite3
import subprocess
import time
from importlib.metadata import version
from pathlib import Path

from attrs import define, field

from benchmarks.errors import NotInstalled
from benchmarks.load import percentile
from benchmarks.servers import program

SYNCS = 100
PAGE = b"\0" * 4096


@define
class Disk:
    """The disk that the databases are on: how long an append of 4 KiB and its `fdatasync` take, in milliseconds."""

    directory: Path
    milliseconds: list[float] = field(factory=list)

    def sample(self) -> None:
        """Append and sync a hundred times."""
        path = self.directory / "fdatasync"
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            for _ in range(SYNCS):
                start = time.perf_counter()
                os.write(descriptor, PAGE)
                os.fdatasync(descriptor)
                self.milliseconds.append((time.perf_counter() - start) * 1000)
        finally:
            os.close(descriptor)
            path.unlink()

    def filesystem(self) -> str:
        """The type of the file system, such as `ext4`; a `tmpfs` is no disk."""
        fields = [line.split() for line in Path("/proc/mounts").read_text().splitlines()]
        place = str(self.directory.resolve()) + "/"
        mounts = [(len(point), kind) for _, point, kind, *_ in fields if place.startswith(point.rstrip("/") + "/")]
        return max(mounts, default=(0, "unknown"))[1]

    def facts(self) -> str:
        """One clause about the disk."""
        p50, p99 = percentile(self.milliseconds, 50), percentile(self.milliseconds, 99)
        return f"{self.filesystem()}, append of 4 KiB with fdatasync p50 {p50:.3f} ms, p99 {p99:.3f} ms in this run"


def machine_facts(disk: Disk) -> str:
    """One paragraph: processors, memory, kernel, disk, and the version of everything that took part."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return (
        f"Machine: {len(os.sched_getaffinity(0))} cores ({_processor()}), {memory:.0f} GiB memory, "
        f"Linux {platform.release()}; disk: {disk.facts()}. "
        f"Python {platform.python_version()}, Twisted {version('twisted')}, SQLite {sqlite3.sqlite_version}, "
        f"hyperhive {version('hyperhive')}, beanstalkd {_version('beanstalkd', '-v')}, "
        f"Redis {_version('redis-server', '--version')}."
    )


def resident_mib(pid: int) -> float:
    """The memory of a process that is in RAM now, in MiB."""
    status = Path(f"/proc/{pid}/status").read_text()
    found = re.search(r"^VmRSS:\s+(\d+) kB", status, re.MULTILINE)
    return int(found[1]) / 1024 if found else float("nan")


def open_descriptors(pid: int) -> int:
    """How many file descriptors a process has."""
    return sum(1 for _ in Path(f"/proc/{pid}/fd").iterdir())


def _processor() -> str:
    found = re.search(r"^model name\s*:\s*(.+)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    return found[1] if found else platform.machine()


def _version(server: str, option: str) -> str:
    try:
        output = subprocess.run([program(server), option], check=True, capture_output=True, text=True).stdout
    except NotInstalled:
        return "not installed"
    found = re.search(r"\d+\.\d+(\.\d+)?", output)
    return found[0] if found else "of unknown version"
