"""`python -m benchmarks` (`make bench`): one table of what hyperhive costs, from one run on this machine.

Progress goes to standard error, the table to standard output. The exit status is 1 when a figure is missing,
with a sentence for each on standard error.
"""

from __future__ import annotations

import argparse
import json
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Protocol

from attrs import AttrsInstance, asdict

from benchmarks.console import measure_console
from benchmarks.errors import BenchmarkError
from benchmarks.machine import Disk, machine_facts
from benchmarks.mail import SYSTEMS, MailFigures, measure_mail
from benchmarks.old_rows import measure_old_rows
from benchmarks.parked import measure_parked
from benchmarks.run import Run
from benchmarks.servers import Workplace, workplace
from benchmarks.start_up import measure_start_up
from benchmarks.table import Row, table
from benchmarks.tool_server import measure_tool_server

DISK = Path(__file__).parent / ".tmp"


class Figures(AttrsInstance, Protocol):
    """What a part has measured: an attrs class that can say it as rows."""

    def rows(self) -> Iterator[Row]:
        """The rows of the table."""


PARTS: dict[str, Callable[[Run], Figures]] = {
    "console": measure_console,
    "mail": measure_mail,
    "old-rows": measure_old_rows,
    "parked": measure_parked,
    "start-up": measure_start_up,
    "tool-server": measure_tool_server,
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the parts that were asked for, print their table, and return the exit status."""
    options = _parser().parse_args(arguments)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        with workplace(DISK) as place:
            run = _run(options, place)
            figures = _measure(run, options.only or list(PARTS))
            facts = machine_facts(run.disk)
    except KeyboardInterrupt:
        print("Interrupted; everything that was started has been stopped.", file=sys.stderr)
        return 130
    print(table(row for measured in figures.values() for row in measured.rows()))
    print("\n" + "\n".join([facts, *_remarks(figures)]))
    if options.json is not None:
        _write_json(options.json, facts, figures, run)
    for sentence in run.failures:
        print(f"Not measured: {sentence}", file=sys.stderr)
    return 1 if run.failures else 0


def _measure(run: Run, parts: Sequence[str]) -> dict[str, Figures]:
    figures = {}
    run.disk.sample()
    for part in parts:
        try:
            figures[part] = PARTS[part](run)
        except (BenchmarkError, OSError) as error:
            run.failed(part, error)
    run.disk.sample()
    return figures


def _remarks(figures: dict[str, Figures]) -> Iterator[str]:
    """What a reader has to know about the way of measuring."""
    mail = figures.get("mail")
    if isinstance(mail, MailFigures):
        yield mail.remarks()


def _run(options: argparse.Namespace, place: Workplace) -> Run:
    return Run(
        place=place,
        disk=Disk(place.disk),
        rounds=options.rounds or (2 if options.quick else 7),
        seconds=0.5 if options.quick else 2.0,
        systems=tuple(options.systems or SYSTEMS),
        old_rows=50_000 if options.quick else 1_000_000,
        parked_agents=500 if options.quick else 9_000,
        console_messages=2_000 if options.quick else 100_000,
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("--only", action="append", choices=list(PARTS), help="only this part (may be repeated)")
    parser.add_argument(
        "--systems", action="append", choices=list(SYSTEMS), help="mail: only this system (may be repeated)"
    )
    parser.add_argument("--rounds", type=_positive, help="how many rounds of each measurement (7)")
    parser.add_argument(
        "--quick", action="store_true", help="a short run that shows that all works; its figures mean little"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every single measurement to a file")
    return parser


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of rounds: 1 or more")
    return int(text)


def _write_json(path: Path, facts: str, figures: dict[str, Figures], run: Run) -> None:
    raw: dict[str, Any] = {name: asdict(part) for name, part in figures.items()}
    path.write_text(json.dumps({"facts": facts, "failures": run.failures, **raw}, indent=1) + "\n")


if __name__ == "__main__":
    sys.exit(main())
