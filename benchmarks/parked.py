"""Thousands of agents that wait for mail: the daemon's memory, and how fast a message wakes one of them."""

from __future__ import annotations

import json
import random
import resource
import select
import socket
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from attrs import define, field, frozen

from benchmarks.errors import Stalled, UnexpectedAnswer
from benchmarks.hive import Hive, ask_host, hive
from benchmarks.load import ANSWER_SECONDS, connected, percentile
from benchmarks.machine import open_descriptors, resident_mib
from benchmarks.run import Run
from benchmarks.servers import answers, child
from benchmarks.table import Row
from benchmarks.wires import BODY
from hyperhive.wire.names import MANAGER

WAKES_A_ROUND = 300
SPARE_DESCRIPTORS = 500
PARK = b'{"cmd":"recv","wait_seconds":60}\n'


@define
class ParkedFigures:
    """Memory in MiB and descriptors of both processes; the daemon's wakes in milliseconds."""

    agents: int
    daemon_mib: float = float("nan")
    daemon_mib_after: float = float("nan")
    daemon_descriptors: int = 0
    bare_mib: float = float("nan")
    bare_descriptors: int = 0
    wakes_ms: list[float] = field(factory=list)

    def rows(self) -> Iterator[Row]:
        """The table's rows."""
        what = f"{self.agents:,} parked agents"
        yield Row(
            what=what,
            who=f"bare Twisted, {self.bare_descriptors:,} descriptors",
            figure=f"{self.bare_mib:.0f} MiB",
        )
        yield Row(
            what=what,
            who=f"hyperhive, {self.daemon_descriptors:,} descriptors",
            figure=f"{self.daemon_mib:.0f} MiB",
            compared=f"{self.daemon_mib / self.bare_mib:.2f} x bare Twisted",
            aim="<= 150 MiB",
        )
        yield Row(
            what=what,
            who=f"hyperhive, {len(self.wakes_ms):,} wakes",
            figure=f"{self.daemon_mib_after:.0f} MiB after",
            p50=f"{percentile(self.wakes_ms, 50):.2f} ms",
            p99=f"{percentile(self.wakes_ms, 99):.2f} ms",
            aim="p99 < 20 ms",
        )


def measure_parked(run: Run) -> ParkedFigures:
    """First bare Twisted with as many sockets and connections, then the daemon."""
    agents = min(run.parked_agents, (_raised_limit() - SPARE_DESCRIPTORS) // 2)
    figures = ParkedFigures(agents)
    run.say(f"parked agents: {agents:,} connections to bare Twisted")
    _measure_bare(run, figures)
    names = [f"a{number}" for number in range(agents)]
    run.say(f"parked agents: {agents:,} agents on the daemon")
    with hive(run.place, run.place.directory("hive"), names) as running:
        paths = [running.layout.agent_socket(name) for name in names]
        with _parked(paths) as streams:
            ask_host(running.layout, {"cmd": "list"})
            figures.daemon_mib = resident_mib(running.pid)
            figures.daemon_descriptors = open_descriptors(running.pid)
            run.say(f"parked agents: waking {run.rounds * WAKES_A_ROUND:,} of them, one after another")
            figures.wakes_ms = _Waking(running, names, streams).wake(run.rounds * WAKES_A_ROUND)
            figures.daemon_mib_after = resident_mib(running.pid)
    return figures


def _measure_bare(run: Run, figures: ParkedFigures) -> None:
    sockets = run.place.socket_directory("t")
    paths = [sockets / f"a{number}" for number in range(figures.agents)]
    command = [sys.executable, "-m", "benchmarks.bare_twisted", str(sockets), str(figures.agents)]
    with child(command, run.place.directory("log"), partial(answers, paths[-1])) as process, _parked(paths):
        while open_descriptors(process.pid) < 2 * figures.agents:
            time.sleep(0.05)
        figures.bare_mib = resident_mib(process.pid)
        figures.bare_descriptors = open_descriptors(process.pid)


@contextmanager
def _parked(paths: Sequence[Path]) -> Iterator[list[socket.socket]]:
    """A connection to each socket, on which a `recv` waits."""
    streams: list[socket.socket] = []
    try:
        for path in paths:
            streams.append(connected(path))
            streams[-1].sendall(PARK)
        yield streams
    finally:
        for stream in streams:
            stream.close()


@frozen
class _Waking:
    """Sends from the manager to one parked agent at a time."""

    _hive: Hive
    _names: Sequence[str]
    _streams: Sequence[socket.socket]

    def wake(self, count: int) -> list[float]:
        """Wake so many agents, chosen at random, and return how long each took in milliseconds."""
        by_descriptor = {stream.fileno(): number for number, stream in enumerate(self._streams)}
        chosen = random.Random(count)
        with connected(self._hive.layout.agent_socket(MANAGER)) as manager, select.epoll() as poller:
            for descriptor in by_descriptor:
                poller.register(descriptor, select.EPOLLIN)
            return [
                self._wake_one(manager, poller, by_descriptor, chosen.randrange(len(self._names))) for _ in range(count)
            ]

    def _wake_one(
        self, manager: socket.socket, poller: select.epoll, by_descriptor: dict[int, int], number: int
    ) -> float:
        request = json.dumps({"cmd": "send", "to": self._names[number], "body": BODY.decode()}).encode() + b"\n"
        start = time.perf_counter()
        manager.sendall(request)
        arrived = None
        while arrived is None:
            ready = poller.poll(ANSWER_SECONDS)
            if not ready:
                raise Stalled(f"no message woke {self._names[number]} within {ANSWER_SECONDS:.0f} s")
            for descriptor, _ in ready:
                if self._read_and_park(by_descriptor[descriptor]) == number:
                    arrived = time.perf_counter() - start
        if b'"kind":"ok"' not in manager.recv(65536):
            raise UnexpectedAnswer(f"the manager's message to {self._names[number]} was refused")
        return arrived * 1000

    def _read_and_park(self, number: int) -> int | None:
        """Read an answer, ask again, and return whose it was if it was a message."""
        stream = self._streams[number]
        answer = stream.recv(65536)
        stream.sendall(PARK)
        if b'"kind":"message"' in answer:
            return number
        if b'"kind":"empty"' in answer:
            return None
        raise UnexpectedAnswer(f"{self._names[number]} was answered {answer[:200]!r}")


def _raised_limit() -> int:
    """Raise this process' own limit of descriptors as far as it may, and return it."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard
