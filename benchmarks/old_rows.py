"""What a message costs in a database with many old rows, over what it costs in an empty one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from statistics import median

from attrs import define, field

from benchmarks.hive import fill_old_rows, hive, pair_names
from benchmarks.load import EIGHT_PAIRS, Measurement, drive
from benchmarks.run import Run
from benchmarks.table import Row, spread


@define
class OldRowsFigures:
    """One measurement a round of a database with so many old rows, and of one with none."""

    old_rows: int
    filled: list[Measurement] = field(factory=list)
    empty: list[Measurement] = field(factory=list)

    def rows(self) -> Iterator[Row]:
        """The table's rows: medians, and the cost as a multiple."""
        pairs = zip(self.empty, self.filled, strict=True)
        ratios = [empty.messages_per_second / filled.messages_per_second for empty, filled in pairs]
        what = f"old rows, {EIGHT_PAIRS.name}"
        yield _row(what, "no old rows", self.empty)
        yield _row(what, f"{self.old_rows:,} old rows", self.filled, f"{spread(ratios)} x the cost at none", "<= 1.1")


def measure_old_rows(run: Run) -> OldRowsFigures:
    """The load of eight pairs on two daemons, turn about."""
    figures, names = OldRowsFigures(run.old_rows), pair_names(EIGHT_PAIRS.pairs)
    filled_state, empty_state = run.place.directory("filled"), run.place.directory("empty")
    run.say(f"old rows: writing {run.old_rows:,} delivered messages")
    with hive(run.place, filled_state, names) as first_start:
        database = first_start.layout.database
    fill_old_rows(database, run.old_rows, names)
    with ExitStack() as stack:
        filled = stack.enter_context(hive(run.place, filled_state, names)).system
        empty = stack.enter_context(hive(run.place, empty_state, names)).system
        turns = [(filled, figures.filled), (empty, figures.empty)]
        for number in range(run.rounds):
            run.say(f"old rows, round {number + 1} of {run.rounds}")
            for system, measured in turns if number % 2 else reversed(turns):
                measured.append(drive(system.wire(), EIGHT_PAIRS, run.seconds))
    return figures


def _row(what: str, who: str, measured: list[Measurement], compared: str = "", aim: str = "") -> Row:
    return Row(
        what=what,
        who=who,
        figure=f"{median(turn.messages_per_second for turn in measured):,.0f} msg/s",
        p50=f"{median(turn.p50_ms for turn in measured):.2f} ms",
        p99=f"{median(turn.p99_ms for turn in measured):.2f} ms",
        compared=compared,
        aim=aim,
    )
