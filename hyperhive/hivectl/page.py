"""What a command shows: pages of lines and tables, before anyone decided how they look.

Named tuples, as every `hivectl` that starts would wait a millisecond for each attrs class.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Final, NamedTuple

from hyperhive.hivectl.safe import escape, one_field, revealed, shortened

WIDEST_PADDING: Final = 48
BRIEF: Final = 100
LEGIBLE: Final = 20
NARROW: Final = 6
"""Characters below which a long column does not go before the others give way, and those not before all have."""


class View(NamedTuple):
    """Where a page will be seen: on a terminal or not, and at what unix time."""

    terminal: bool
    now: int

    def moment(self, at: int | None) -> str:
        """A unix time: relative for a person, ISO 8601 in UTC for a program, empty for None."""
        if at is None:
            return ""
        return relative(at, self.now) if self.terminal else iso(at)

    def clock(self) -> str:
        """This moment, for a line that tells what just happened."""
        return time.strftime("%H:%M:%S", time.localtime(self.now)) if self.terminal else iso(self.now)

    def brief(self, text: str, longest: int = BRIEF) -> str:
        """`text` on one line; for a person cut to `longest` characters too."""
        return shortened(text, longest) if self.terminal else one_field(text)


class Line(NamedTuple):
    """One line, or one cell of a table. `style` is one of rich's; a program never sees it."""

    text: str
    style: str = ""


class Verbatim(NamedTuple):
    """One line of a text that somebody agrees to: every character in it is seen, as is where a terminal broke it."""

    text: str
    style: str = ""


class Remark(NamedTuple):
    """A line for a person that is no part of the answer: a pipe does not get it, standard error does."""

    text: str


class Column(NamedTuple):
    """A column by its heading. Where the terminal is narrow a `long` one gives way first, one of numbers last."""

    heading: str
    long: bool = False
    right: bool = False


Cell = str | Line


FIRM: Final = frozenset({"NAME", "AGENT", "AGENTS", "FROM", "TO", "ASKER"})
"""Columns that never give way, like the first of every table: by what stands there the next command is written."""
SHORT: Final = frozenset({
    "STATE", "OUTCOME", "AT", "ASKED", "DEADLINE", "ENDED", "ENDS", "NEXT START", "OPENED", "QUEUED", "REQUESTED",
    "SEEN", "SINCE", "STARTED", "STATUS", "WHEN",
})  # fmt: skip
"""Columns of states and times; like those of numbers they give way last, as little is left of what is cut of them."""


class Table(NamedTuple):
    """Rows of cells under headings."""

    columns: tuple[Column, ...]
    rows: Sequence[tuple[Cell, ...]]

    def without_empty(self, *headings: str) -> Table:
        """The same table without those of the named columns in which nothing stands."""
        return self.without(
            *(
                column.heading
                for index, column in enumerate(self.columns)
                if column.heading in headings and not any(text_of(row[index]) for row in self.rows)
            )
        )

    def without(self, *headings: str) -> Table:
        """The same table without the named columns."""
        kept = [index for index, column in enumerate(self.columns) if column.heading not in headings]
        return Table(
            tuple(self.columns[index] for index in kept),
            [tuple(row[index] for index in kept) for row in self.rows],
        )


Page = Sequence[Line | Verbatim | Table | Remark]


def text_of(cell: Cell) -> str:
    """The bare text of a cell."""
    return cell if isinstance(cell, str) else cell.text


def plain(page: Page) -> str:
    """A page for a pipe: aligned columns, an empty cell is `-`, one row a line whatever its cells hold."""
    return "".join(
        _plain_table(part) if isinstance(part, Table) else _plain_line(part) + "\n"
        for part in page
        if not isinstance(part, Remark)
    )


def fitted(table: Table, natural: Sequence[int], room: int) -> list[int]:
    """The widths of the columns in so much room, of their natural ones: the widest that may give way does so first."""
    widths = list(natural)
    firm = {index for index, column in enumerate(table.columns) if index == 0 or column.heading in FIRM}
    long = {index for index, column in enumerate(table.columns) if column.long} - firm
    short = {index for index, column in enumerate(table.columns) if column.right or column.heading in SHORT} - long
    others = set(range(len(widths))) - firm
    for least, giving in ((LEGIBLE, long), (NARROW, others - short), (1, others - short), (1, others)):
        while sum(widths) > room:
            widest = max(giving, key=widths.__getitem__, default=None)
            if widest is None or widths[widest] <= least:
                break
            widths[widest] -= 1
    return widths


def iso(at: int) -> str:
    """A unix time as `2026-11-22T09:07:12Z`; a number that is no time in our calendar as it is."""
    try:
        return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(at))
    except (OverflowError, ValueError, OSError):
        return str(at)


def relative(at: int, now: int) -> str:
    """A unix time as a person says it: `3 min ago`, `in 2 h`."""
    seconds = abs(now - at)
    if seconds < 2:
        return "now"
    span = duration(seconds)
    return f"{span} ago" if at < now else f"in {span}"


def duration(seconds: int) -> str:
    """A span in the largest unit of which there are at least two: `90 s`, `3 min`, `26 h`, `12 d`."""
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{seconds // size} {unit}"
    return f"{seconds} s"


def _plain_line(line: Line | Verbatim) -> str:
    return revealed(line.text) if isinstance(line, Verbatim) else escape(line.text)


def _plain_table(table: Table) -> str:
    rows = [
        tuple(column.heading for column in table.columns),
        *(tuple(one_field(text_of(cell)) or "-" for cell in row) for row in table.rows),
    ]
    widths = [min(max(map(len, cells)), WIDEST_PADDING) for cells in zip(*rows, strict=True)]
    return "".join(_plain_row(table.columns, row, widths) + "\n" for row in rows)


def _plain_row(columns: Sequence[Column], cells: Sequence[str], widths: Sequence[int]) -> str:
    padded = [
        cell.rjust(width) if column.right else cell.ljust(width)
        for column, cell, width in zip(columns, cells, widths, strict=True)
    ]
    return "  ".join(padded).rstrip()
