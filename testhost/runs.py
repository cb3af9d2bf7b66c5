"""One directory and one cgroup for each run, and the removal of those whose run is gone."""

from __future__ import annotations

import fcntl
import os
import select
import subprocess
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from testhost.errors import CannotRun, Failed

PREFIX = "hyperhive-test-host-"
CONTROLLERS = ("cpu", "cpuset", "io", "memory", "pids")


class Run:
    """Where one run keeps what it needs: a directory on a real disk, and a cgroup of the same name.

    Both are there while the run lives; `runs` removes them at its end, and the next run removes them when this
    one was killed. What a run started is in its cgroup, so that the cgroup alone can end it.
    """

    def __init__(self, directory: Path, cgroup: Path) -> None:
        self.directory = directory
        self.cgroup = cgroup
        self.upper = directory / "upper"
        self.root = directory / "root"
        self.state = directory / "state"
        self.agent_image = directory / "agent-image"
        self.results = directory / "results"
        self.journal = directory / "journal"
        self.console = directory / "console.txt"

    @property
    def name(self) -> str:
        """The name of the directory, of the cgroup and of the machine."""
        return self.directory.name


@contextmanager
def new_run(runs: Path) -> Iterator[Run]:
    """A run under `runs`, removed at the end; what killed runs have left there is removed first.

    Raises CannotRun when this machine has no cgroup v2 that can be written.
    """
    hierarchy = cgroup_root()
    runs.mkdir(parents=True, exist_ok=True)
    remove_dead(runs)
    name = f"{PREFIX}{uuid.uuid4().hex[:8]}"
    run = Run(runs / name, hierarchy / name)
    with _starting(runs):
        run.directory.mkdir(mode=0o755)
        lock = _open(run.directory)
        fcntl.flock(lock, fcntl.LOCK_EX)
    try:
        for each in (run.upper, run.directory / "work", run.root, run.state, run.results, run.journal):
            each.mkdir()
        _make_cgroup(run.cgroup)
        yield run
    finally:
        _remove(run)
        os.close(lock)


def remove_dead(runs: Path) -> list[str]:
    """Remove what runs under `runs` have left whose process is gone, and return their names."""
    if not runs.exists():
        return []
    with _starting(runs):
        dead = [path for path in sorted(runs.glob(f"{PREFIX}*")) if not _alive(path)]
        for path in dead:
            _remove(Run(path, cgroup_root() / path.name))
    return [path.name for path in dead]


def living(runs: Path) -> list[str]:
    """The names of the runs under `runs` that go on."""
    if not runs.exists():
        return []
    with _starting(runs):
        return [path.name for path in sorted(runs.glob(f"{PREFIX}*")) if _alive(path)]


def cgroup_root() -> Path:
    """Where the cgroup v2 hierarchy is mounted. Raises CannotRun when it is not."""
    for line in Path("/proc/self/mountinfo").read_text(encoding="utf-8").splitlines():
        before, _, after = line.partition(" - ")
        if after.split()[0] == "cgroup2":
            return Path(before.split()[4])
    raise CannotRun("The test host needs cgroup v2, and it is not mounted on this machine: mount it at /sys/fs/cgroup.")


@contextmanager
def _starting(runs: Path) -> Iterator[None]:
    """Alone among those who make or look for runs: a directory is seen with its lock, or not at all."""
    lock = _open(runs)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        os.close(lock)


def _open(directory: Path) -> int:
    return os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)


def _alive(directory: Path) -> bool:
    lock = _open(directory)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(lock)
    return False


def _make_cgroup(cgroup: Path) -> None:
    for name in CONTROLLERS:
        # Those that the machine's other hierarchies hold, or that are not to be handed down, are done without.
        try:
            (cgroup.parent / "cgroup.subtree_control").write_text(f"+{name}", encoding="ascii")
        except OSError:
            continue
    try:
        cgroup.mkdir()
    except OSError as error:
        raise CannotRun(f"The test host needs a cgroup, and {cgroup} cannot be made: {error.strerror}.") from None


def _remove(run: Run) -> None:
    _empty(run.cgroup)
    if run.directory.exists():
        # Not shutil.rmtree, whose recursion ends at directories as deep as tests of agents make them.
        removal = ["rm", "-rf", "--one-file-system", "--", str(run.directory)]
        subprocess.run(removal, check=True)


def _empty(cgroup: Path, seconds: float = 10) -> None:
    """Kill what is in `cgroup` and below, and remove it."""
    if not cgroup.exists():
        return
    (cgroup / "cgroup.kill").write_text("1", encoding="ascii")
    with (cgroup / "cgroup.events").open(encoding="ascii") as events:
        changes = select.poll()
        changes.register(events, select.POLLPRI)
        end = time.monotonic() + seconds
        while "populated 1" in events.read():
            if time.monotonic() > end:
                raise Failed(f"Processes in {cgroup} do not end, though they were killed.")
            changes.poll(500)
            events.seek(0)
    for path, _, _ in os.walk(cgroup, topdown=False):
        Path(path).rmdir()
