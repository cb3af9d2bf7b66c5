"""What stands beside every agent costs: start and memory of `hive-agent mcp` and of `hive-agent serve`.

Each is set against an interpreter that imports the Twisted reactor and does nothing else.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any, Final

from attrs import define, field

from benchmarks.errors import BenchmarkError
from benchmarks.hive import hive, script
from benchmarks.machine import resident_mib
from benchmarks.run import Run
from benchmarks.table import Row

BARE: Final = (sys.executable, "-c", "from twisted.internet import reactor; print(flush=True); input()")
ALL_THERE_IS: Final = (
    "import mcp.server.mcpserver, hyperhive.client; from twisted.internet import asyncioreactor;"
    " asyncioreactor.install(); print(flush=True); input()"
)
WHOLE_SDK: Final = (sys.executable, "-c", ALL_THERE_IS)
HELLO: Final = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "initialize",
    "params": {
        "protocolVersion": "2025-06-18",
        "capabilities": {},
        "clientInfo": {"name": "benchmark", "version": "0"},
    },
}
READY: Final = {"jsonrpc": "2.0", "method": "notifications/initialized"}
CONNECTED: Final = b"connected as "


@define
class Cost:
    """What one kind of process costs, run by run: milliseconds until it is ready, and MiB of memory then."""

    milliseconds: list[float] = field(factory=list)
    mib: list[float] = field(factory=list)


@define
class ToolServerFigures:
    """The costs of each, `listed` the time until the tool server had also listed its tools."""

    bare: Cost = field(factory=Cost)
    whole_sdk: Cost = field(factory=Cost)
    tools: Cost = field(factory=Cost)
    serve: Cost = field(factory=Cost)
    listed: list[float] = field(factory=list)

    def rows(self) -> Iterator[Row]:
        """The table's rows: medians, and what they are of a bare interpreter's."""
        yield self._row("import of the reactor", self.bare, "")
        yield self._row("import of SDK, client, asyncioreactor", self.whole_sdk, "")
        yield self._row("hive-agent mcp", self.tools, f"{median(self.listed):.0f} ms with its tools listed; ")
        yield self._row("hive-agent serve", self.serve, "")

    def _row(self, who: str, cost: Cost, more: str) -> Row:
        times = median(cost.milliseconds) / median(self.bare.milliseconds)
        memory = median(cost.mib) / median(self.bare.mib)
        return Row(
            what="beside an agent",
            who=who,
            figure=f"{median(cost.milliseconds):.0f} ms, {median(cost.mib):.0f} MiB",
            compared="" if cost is self.bare else f"{more}{times:.2f} x the time, {memory:.2f} x the memory",
        )


def measure_tool_server(run: Run) -> ToolServerFigures:
    """All of them in turn, against a daemon with one agent that has no process of its own."""
    figures = ToolServerFigures()
    with hive(run.place, run.place.directory("hive"), ["alice"]) as running:
        environment = {**os.environ, "HIVE_SOCKET": str(running.layout.agent_socket("alice"))}
        for number in range(run.rounds + 1):
            run.say(f"tool server, round {number} of {run.rounds}" if number else "tool server, once before")
            measured = figures if number else ToolServerFigures()  # the first fills the caches
            _measure_line(BARE, environment, measured.bare)
            _measure_line(WHOLE_SDK, environment, measured.whole_sdk)
            _measure_tools(environment, measured)
            _measure_serve(environment, measured.serve)
    return figures


def _measure_line(command: Sequence[str], environment: dict[str, str], cost: Cost) -> None:
    with _started(command, environment) as (process, start):
        _line(process.stdout)
        _note(process, start, cost)


def _measure_tools(environment: dict[str, str], figures: ToolServerFigures) -> None:
    with _started((script("hive-agent"), "mcp"), environment) as (process, start):
        _say(process, HELLO)
        _line(process.stdout)
        _note(process, start, figures.tools)
        figures.tools.mib.pop()
        _say(process, READY)
        _say(process, {"jsonrpc": "2.0", "id": 2, "method": "tools/list", "params": {}})
        _line(process.stdout)
        figures.listed.append((time.perf_counter() - start) * 1000)
        figures.tools.mib.append(resident_mib(process.pid))


def _measure_serve(environment: dict[str, str], cost: Cost) -> None:
    with _started((script("hive-agent"), "serve"), {**environment, "HIVE_RUNNER_COMMAND": "cat"}) as (process, start):
        while CONNECTED not in _line(process.stderr):
            pass
        _note(process, start, cost)


@contextmanager
def _started(command: Sequence[str], environment: dict[str, str]) -> Iterator[tuple[subprocess.Popen[bytes], float]]:
    start = time.perf_counter()
    process = subprocess.Popen(
        command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=Path("/")
    )
    try:
        yield process, start
    finally:
        process.kill()
        process.communicate()


def _say(process: subprocess.Popen[bytes], message: dict[str, Any]) -> None:
    assert process.stdin is not None
    process.stdin.write(json.dumps(message).encode() + b"\n")
    process.stdin.flush()


def _line(stream: Any) -> bytes:
    line: bytes = stream.readline()
    if not line:
        raise BenchmarkError("a process that was to be measured ended before it was ready")
    return line


def _note(process: subprocess.Popen[bytes], start: float, cost: Cost) -> None:
    cost.milliseconds.append((time.perf_counter() - start) * 1000)
    cost.mib.append(resident_mib(process.pid))
