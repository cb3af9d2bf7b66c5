"""How long `hivectl list` takes, over an interpreter that does nothing but import the Twisted reactor."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from statistics import median

from attrs import define, field

from benchmarks.errors import BenchmarkError
from benchmarks.hive import hive, script
from benchmarks.run import Run
from benchmarks.table import Row

RUNS_A_ROUND = 5
BARE = (sys.executable, "-c", "from twisted.internet import reactor")


@define
class StartUpFigures:
    """How long each start took, in milliseconds, the two in turn."""

    hivectl: list[float] = field(factory=list)
    bare: list[float] = field(factory=list)

    def rows(self) -> Iterator[Row]:
        """The table's rows: medians, and the median of the differences."""
        over = median(ours - bare for ours, bare in zip(self.hivectl, self.bare, strict=True))
        yield Row(what="start-up", who="import of the reactor", figure=f"{median(self.bare):.0f} ms")
        yield Row(
            what="start-up",
            who="hivectl list",
            figure=f"{median(self.hivectl):.0f} ms",
            compared=f"{over:+.0f} ms over the import",
            aim="<= +100 ms",
        )


def measure_start_up(run: Run) -> StartUpFigures:
    """Both commands in turn, against a daemon without agents."""
    figures = StartUpFigures()
    with hive(run.place, run.place.directory("hive"), []) as running:
        hivectl = (script("hivectl"), "--socket", str(running.layout.host_socket), "list")
        for command in (BARE, hivectl):
            _milliseconds(command)
        for number in range(run.rounds * RUNS_A_ROUND):
            if number % RUNS_A_ROUND == 0:
                run.say(f"start-up, round {number // RUNS_A_ROUND + 1} of {run.rounds}")
            figures.bare.append(_milliseconds(BARE))
            figures.hivectl.append(_milliseconds(hivectl))
    return figures


def _milliseconds(command: Sequence[str]) -> float:
    start = time.perf_counter()
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=60)
    elapsed = time.perf_counter() - start
    if done.returncode:
        raise BenchmarkError(
            f"{' '.join(command[:4])} ended with status {done.returncode}: {done.stderr.strip()[-300:]}"
        )
    return elapsed * 1000
