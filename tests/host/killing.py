"""Machines killed in every way, and what the manager hears of it and when: `python -m tests.host.killing [ROUNDS]`."""

from __future__ import annotations

import os
import shutil
import signal
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path

from attrs import frozen

from tests.daemon.client import Answer, Client, event
from tests.host.hives import NspawnHive, call

# Ends with status 3 when the pipe in its directory of state is written to.
PROGRAM = ("/bin/sh", "-c", "mkfifo /state/end 2>/dev/null; read line < /state/end; exit 3")


@frozen
class Way:
    """A way for a machine to end: how it is done, and what the manager should be told."""

    done: Callable[[NspawnHive, str], Callable[[], object]]
    """Makes ready, and returns what does it."""

    cause: str


@frozen
class Report:
    """What came of one kill: everything that the manager was told, and how many seconds it took to its `recv`."""

    way: str
    told: Sequence[Answer]
    seconds: float


def _kill(hive: NspawnHive, name: str) -> Callable[[], object]:
    return partial(os.kill, hive.leader(name), signal.SIGKILL)


def _exit(hive: NspawnHive, name: str) -> Callable[[], object]:
    end = (hive.state / "agents" / name / "state/end").open("w")
    return end.close


def _terminate(_: NspawnHive, name: str) -> Callable[[], object]:
    return partial(call, "machinectl", "terminate", f"h-{name}")


def _systemctl_kill(hive: NspawnHive, name: str) -> Callable[[], object]:
    return partial(call, "systemctl", "kill", "--signal=KILL", hive.unit(name))


NO_BUS = "SIGKILL, bus stopped"
BUS = ("dbus.socket", "dbus.service")
WAYS: Mapping[str, Way] = {
    "SIGKILL of its leader": Way(_kill, "killed by SIGKILL"),
    "exit 3 of its program": Way(_exit, "exited with status 3"),
    "machinectl terminate": Way(_terminate, "stopped from outside"),
    "systemctl kill": Way(_systemctl_kill, "killed by SIGKILL"),
}


def killed(hive: NspawnHive, name: str, way: str, manager: Client, host: Client) -> Report:
    """Kill the agent, which runs, in that way while the manager waits for mail; then start it again."""
    manager.say("recv", wait_seconds=20)
    kill = WAYS[way].done(hive, name)
    begun = time.monotonic()
    kill()
    first = manager.hear()
    seconds = time.monotonic() - begun
    # Started again, the machine is known to be a new one: a second report of the old one's end would come before.
    assert host.ask("start", name=name)["ok"]
    told = [event(first), *(event(message) for message in _rest(manager))]
    return Report(way, told, seconds)


def all_ways(hive: NspawnHive, rounds: int) -> Iterator[Report]:
    """Kill an agent so often in each way."""
    with hive.host() as host, hive.manager() as manager:
        assert host.ask("spawn", name="alice")["ok"]
        # The manager's own first start ends by then; later its end would give mail in hand back, to be read twice.
        assert host.ask("start", name="manager")["ok"]
        list(_rest(manager))
        for _ in range(rounds):
            for way in WAYS:
                yield killed(hive, "alice", way, manager, host)


def without_a_bus(hive: NspawnHive, count: int) -> Iterator[Report]:
    """Kill the leaders of so many agents while the system bus is stopped; none is started again."""
    names = [f"bus{number}" for number in range(count)]
    with hive.host() as host, hive.manager() as manager:
        for name in names:
            assert host.ask("spawn", name=name)["ok"]
        kills = [_kill(hive, name) for name in names]
        list(_rest(manager))
        call("systemctl", "stop", *BUS)
        try:
            for kill in kills:
                manager.say("recv", wait_seconds=20)
                begun = time.monotonic()
                kill()
                first = manager.hear()
                seconds = time.monotonic() - begun
                yield Report(NO_BUS, [event(first), *(event(message) for message in _rest(manager))], seconds)
        finally:
            call("systemctl", "start", *BUS)


def _rest(manager: Client) -> Iterator[Answer]:
    while (message := manager.ask("recv", wait_seconds=0))["kind"] == "message":
        yield message


def table(reports: Sequence[Report]) -> str:
    """Median and 99th percentile of each way, in milliseconds."""
    lines = [f"{'way':24} {'kills':>5} {'median':>8} {'p99':>8}  (ms, from before the kill to the manager's recv)"]
    for way in dict.fromkeys(report.way for report in reports):
        times = sorted(report.seconds * 1000 for report in reports if report.way == way)
        last = times[min(len(times) - 1, round(0.99 * len(times)))]
        lines.append(f"{way:24} {len(times):5} {statistics.median(times):8.1f} {last:8.1f}")
    return "\n".join(lines)


def main() -> None:
    """Print the table of as many rounds as the command line says."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 50
    base = Path(tempfile.mkdtemp(prefix="hive-", dir=os.environ["HYPERHIVE_TEST_HOST_STATE"]))
    hive = NspawnHive(base)
    try:
        hive.open(command=PROGRAM)
        print(table([*all_ways(hive, rounds), *without_a_bus(hive, min(rounds, 20))]), flush=True)
    finally:
        hive.end()
        shutil.rmtree(base, ignore_errors=True)


if __name__ == "__main__":
    main()
