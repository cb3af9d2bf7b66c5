"""The systems that are measured, each a child process with its files on a real disk and its sockets in a short path."""

from __future__ import annotations

import itertools
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path

from attrs import define, field, frozen

from benchmarks.errors import NotInstalled, NotStarted
from benchmarks.load import connected
from benchmarks.wires import PairWire, beanstalkd_wire, echo_wire, redis_wire

START_SECONDS = 60.0
STOP_SECONDS = 20.0
PROJECT = Path(__file__).resolve().parent.parent
SBIN = "/usr/local/sbin:/usr/sbin:/sbin:/usr/local/bin:/usr/bin:/bin"
"""Where Debian puts servers, which an ordinary user's PATH leaves out."""


@define
class System:
    """A running server: its name in the table, its process, and what each pair says to it.

    `pair_wire` takes the number of a run, that no other run on this server has, and that of the pair.
    """

    name: str
    process: subprocess.Popen[bytes]
    pair_wire: Callable[[int, int], PairWire]
    _runs: Iterator[int] = field(factory=itertools.count)

    def wire(self) -> Callable[[int], PairWire]:
        """The wire of one run, by the number of the pair."""
        return partial(self.pair_wire, next(self._runs))


@frozen
class Workplace:
    """A directory on the disk that is measured, and a short one for Unix sockets; both go when the run ends."""

    disk: Path
    sockets: Path

    def directory(self, name: str) -> Path:
        """A new directory on the disk."""
        return Path(tempfile.mkdtemp(prefix=f"{name}-", dir=self.disk))

    def socket_directory(self, name: str) -> Path:
        """A new directory for sockets; the name should be short."""
        return Path(tempfile.mkdtemp(prefix=f"{name}-", dir=self.sockets))


@contextmanager
def workplace(disk: Path) -> Iterator[Workplace]:
    """A place for the files of this run, below `disk`, which is made if need be."""
    disk.mkdir(parents=True, exist_ok=True)
    try:
        with (
            tempfile.TemporaryDirectory(prefix="run-", dir=disk) as files,
            tempfile.TemporaryDirectory(prefix="hb-") as sockets,
        ):
            yield Workplace(Path(files), Path(sockets))
    finally:
        with suppress(OSError):  # another run may be using it
            disk.rmdir()


@contextmanager
def beanstalkd(place: Workplace) -> Iterator[System]:
    """beanstalkd with its binlog, `fsync` before each answer to a `put` or a `delete`."""
    path = place.socket_directory("b") / "sock"
    command = [program("beanstalkd"), "-b", str(place.directory("beanstalkd")), "-f", "0", "-l", f"unix:{path}"]
    with child(command, place.directory("log"), partial(answers, path)) as process:
        yield System("beanstalkd", process, partial(beanstalkd_wire, path))


@contextmanager
def redis(place: Workplace) -> Iterator[System]:
    """Redis with its append-only file, `fdatasync` before the answers of each turn of its loop; no snapshots."""
    path, files = place.socket_directory("r") / "sock", place.directory("redis")
    options = {"port": "0", "unixsocket": str(path), "dir": str(files), "appendonly": "yes", "appendfsync": "always"}
    command = [program("redis-server"), *(word for key, value in options.items() for word in (f"--{key}", value))]
    with child([*command, "--save", ""], place.directory("log"), partial(answers, path)) as process:
        yield System("redis", process, partial(redis_wire, path))


@contextmanager
def echo(place: Workplace, pairs: int) -> Iterator[System]:
    """The relay that stores nothing."""
    sockets = place.socket_directory("e")
    command = [sys.executable, "-m", "benchmarks.echo", str(sockets), str(pairs)]
    with child(command, place.directory("log"), partial(answers, sockets / f"s{pairs - 1}")) as process:
        yield System("echo", process, partial(echo_wire, sockets))


def program(name: str) -> str:
    """The path of a server from a Debian package. Raises `NotInstalled`."""
    found = shutil.which(name) or shutil.which(name, path=SBIN)
    if found is None:
        raise NotInstalled(f"{name} is not installed (apt install {name}).")
    return found


def answers(path: Path) -> bool:
    """Whether somebody accepts connections at a Unix socket."""
    try:
        connected(path).close()
    except OSError:
        return False
    return True


@contextmanager
def child(
    command: Sequence[str], log_directory: Path, is_ready: Callable[[], bool]
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a server until the block ends, which it enters when `is_ready` says so.

    The child has a session of its own: a Ctrl-C reaches it only through the end of the block. Raises `NotStarted`.
    """
    log = log_directory / "output"
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, cwd=PROJECT, start_new_session=True
        )
    try:
        deadline = time.monotonic() + START_SECONDS
        while not is_ready():
            if process.poll() is not None or time.monotonic() > deadline:
                *_, last_line = ("it wrote nothing", *log.read_text(errors="replace").splitlines())
                raise NotStarted(f"{' '.join(command[:4])} ... did not start: {last_line}")
            time.sleep(0.02)
        yield process
    finally:
        process.terminate()
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
