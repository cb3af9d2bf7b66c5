"""The console: how soon a page shows a change, what its first load costs, and what open pages cost the daemon."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Iterator
from functools import partial
from http.client import HTTPConnection
from pathlib import Path
from statistics import median
from typing import Any, Final

from attrs import define, field

from benchmarks.browsers import FIRST_LOAD, Browsers, chromium, delay_until_seen
from benchmarks.errors import UnexpectedAnswer
from benchmarks.hive import Hive, ask_host, fill_old_rows, hive
from benchmarks.load import percentile
from benchmarks.machine import resident_mib
from benchmarks.run import Run
from benchmarks.table import Row

AGENTS: Final = 50
PAGES: Final = 20
CHANGES_A_ROUND: Final = 30
"""As many as a second of a busy hive brings."""
CHANGE_EVERY: Final = 0.1
WORD: Final = "marzipan"
"""Stands in one message in a hundred; what the search is for."""
NO_WORD: Final = "truffle"
"""Stands in none: all mail has to be looked through to say so."""


@define
class ConsoleFigures:
    """Milliseconds but where it says otherwise."""

    messages: int
    seen: list[float] = field(factory=list)
    painted: list[float] = field(factory=list)
    bytes: list[float] = field(factory=list)
    searched: list[float] = field(factory=list)
    in_vain: list[float] = field(factory=list)
    indexed: float = float("nan")
    plain: list[float] = field(factory=list)
    cpu_alone: float = float("nan")
    cpu_watched: float = float("nan")
    mib_alone: float = float("nan")
    mib_watched: float = float("nan")

    def rows(self) -> Iterator[Row]:
        """The table's rows."""
        row = partial(Row, what=f"console, {AGENTS} agents, {self.messages:,} messages")
        yield row(
            who="change -> seen on Home", figure=f"{len(self.seen)} changes", **_spread(self.seen), aim="p99 < 100 ms"
        )
        yield row(
            who="first contentful paint of Home",
            figure=f"{len(self.painted)} loads",
            **_spread(self.painted),
            aim="< 300 ms",
        )
        yield row(who="bytes of the first load", figure=f"{median(self.bytes) / 1000:.1f} kB", aim="< 100 kB")
        yield row(who="Home, as the daemon answers it", figure=f"{len(self.plain)} times", **_spread(self.plain))
        yield row(
            who="search of all mail",
            figure=f"{len(self.searched)} times",
            **_spread(self.searched),
            compared=f"{median(self.searched) / median(self.plain):.2f} x Home",
        )
        yield row(
            who="search of all mail that finds nothing", figure=f"{len(self.in_vain)} times", **_spread(self.in_vain)
        )
        yield row(who="the first search, which indexes all mail", figure=f"{self.indexed / 1000:.1f} s")
        yield row(
            who=f"{PAGES} open pages, {1 / CHANGE_EVERY:.0f} changes/s",
            figure=f"{self.cpu_watched:.0f}% of a core",
            compared=f"{self.cpu_alone:.0f}% with none; +{self.mib_watched - self.mib_alone:.0f} MiB over "
            f"{self.mib_alone:.0f}",
        )


def measure_console(run: Run) -> ConsoleFigures:
    """All on one daemon, whose database is filled before; the browser is Debian's Chromium."""
    figures = ConsoleFigures(run.console_messages)
    names = [f"agent{number:02}" for number in range(AGENTS)]
    state = run.place.directory("console")
    with hive(run.place, state, names) as first_start:
        database = first_start.layout.database
    run.say(f"console: writing {figures.messages:,} messages")
    fill_old_rows(database, figures.messages, names, [*["x" * 200] * 99, f"{'x' * 100} {WORD} {'x' * 90}"])
    with hive(run.place, state, names, dashboard=f"127.0.0.1:{_free_port()}") as running, chromium(running) as browsers:
        context = browsers.let_in()
        console = _Console(running, browsers, context)
        console.index(figures)
        for number in range(run.rounds):
            run.say(f"console, round {number + 1} of {run.rounds}")
            console.load(figures)
            console.change(figures)
            console.read(figures)
        run.say(f"console: {PAGES} open pages")
        console.watch(figures, 10 * run.seconds)
    return figures


class _Console:
    """What is done with the console, again and again."""

    def __init__(self, running: Hive, browsers: Browsers, context: Any) -> None:
        self._hive = running
        self._browsers = browsers
        self._context = context
        (cookie,) = context.cookies()
        self._headers = {"Cookie": f"{cookie['name']}={cookie['value']}"}
        self._url = str(ask_host(running.layout, {"cmd": "console_link"})["link"]).partition("/open")[0]
        self._asked = 0

    def load(self, figures: ConsoleFigures) -> None:
        """Home, by a browser that has fetched nothing yet."""
        context = self._browsers.anew(self._context)
        page = context.new_page()
        page.goto(f"{self._url}/")
        told = page.evaluate(FIRST_LOAD)
        figures.painted.append(told["milliseconds"])
        figures.bytes.append(told["bytes"])
        context.close()

    def change(self, figures: ConsoleFigures) -> None:
        """Questions to the operator, each answered once Home has shown it."""
        page = self._context.new_page()
        page.goto(f"{self._url}/")
        page.wait_for_load_state("load")
        for _ in range(CHANGES_A_ROUND):
            self._asked += 1
            mark = f"question number {self._asked}?"
            figures.seen.append(delay_until_seen(page, mark, partial(self._ask, mark)))
            self._answer_all()
        page.close()

    def index(self, figures: ConsoleFigures) -> None:
        """The first search, without a browser."""
        figures.indexed = self._get(f"/mail?q={WORD}")

    def read(self, figures: ConsoleFigures) -> None:
        """Home and searches, without a browser."""
        for _ in range(10):
            figures.plain.append(self._get("/"))
            figures.searched.append(self._get(f"/mail?q={WORD}"))
            figures.in_vain.append(self._get(f"/mail?q={NO_WORD}"))

    def watch(self, figures: ConsoleFigures, seconds: float) -> None:
        """What the same changes cost the daemon before nobody, and before many pages, each of its own browser."""
        figures.mib_alone = resident_mib(self._hive.pid)
        figures.cpu_alone = self._busy(seconds)
        contexts = [self._browsers.anew(self._context) for _ in range(PAGES)]
        for context in contexts:
            context.new_page().goto(f"{self._url}/")
        figures.cpu_watched = self._busy(seconds)
        figures.mib_watched = resident_mib(self._hive.pid)
        for context in contexts:
            context.close()

    def _busy(self, seconds: float) -> float:
        """Percent of a core that the daemon takes while so many changes a second are made."""
        began, before = time.monotonic(), _cpu_seconds(self._hive.pid)
        for number in range(round(seconds / CHANGE_EVERY)):
            ask_host(self._hive.layout, {"cmd": "send", "to": f"agent{number % AGENTS:02}", "body": "x" * 200})
            time.sleep(max(0.0, began + (number + 1) * CHANGE_EVERY - time.monotonic()))
        return 100 * (_cpu_seconds(self._hive.pid) - before) / (time.monotonic() - began)

    def _ask(self, mark: str) -> float:
        from benchmarks.load import connected

        with connected(self._hive.layout.agent_socket("agent00")) as stream, stream.makefile("rwb") as lines:
            began = time.time()
            lines.write(b'{"cmd":"ask_operator","question":"%s"}\n' % mark.encode())
            lines.flush()
            if b"question_queued" not in (answer := lines.readline()):
                raise UnexpectedAnswer(f"a question was refused: {answer!r}")
        return began

    def _answer_all(self) -> None:
        for question in ask_host(self._hive.layout, {"cmd": "questions"})["questions"]:
            ask_host(self._hive.layout, {"cmd": "cancel_question", "id": question["id"]})

    def _get(self, path: str) -> float:
        """Milliseconds that a page takes to be there whole."""
        host = self._url.removeprefix("http://")
        connection = HTTPConnection("127.0.0.1", int(host.rpartition(":")[2]), timeout=30)
        began = time.perf_counter()
        connection.request("GET", path, headers={"Host": host, **self._headers})
        answer = connection.getresponse()
        answer.read()
        taken = (time.perf_counter() - began) * 1000
        connection.close()
        if answer.status != 200:
            raise UnexpectedAnswer(f"the console answered {path} with {answer.status}")
        return taken


def _spread(milliseconds: list[float]) -> dict[str, str]:
    return {
        "p50": f"{percentile(milliseconds, 50):.1f} ms",
        "p99": f"{percentile(milliseconds, 99):.1f} ms",
    }


def _cpu_seconds(pid: int) -> float:
    """The processor time that a process has had."""
    user, system = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[11:13]
    return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])
