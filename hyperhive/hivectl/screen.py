"""The terminal or pipe that a command writes to."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final, TextIO

from attrs import define

from hyperhive.hivectl.page import Line, Page, Remark, Table, Verbatim, View, fitted, plain, text_of
from hyperhive.hivectl.safe import escape, one_line, revealed

if TYPE_CHECKING:
    from rich.console import RenderableType

GAP: Final = 2
"""Spaces between two columns."""
GOES_ON: Final = "↪ "
"""What a line begins with that a terminal's width made of a longer one."""


class UnwritableError(Exception):
    """Standard output takes no more; the text is a sentence that says why."""


@contextmanager
def written() -> Iterator[None]:
    """Standard output is written in here. Raises UnwritableError; a reader that left is BrokenPipeError as ever."""
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        raise UnwritableError(f"standard output can't be written: {error.strerror or error}") from error


@define(eq=False)
class Screen:
    """Standard output and standard error. Whatever goes through `show` and `complain` is escaped on its way."""

    out: TextIO
    err: TextIO

    @property
    def is_terminal(self) -> bool:
        """Whether a person reads along."""
        return self.out.isatty()

    @property
    def is_lively(self) -> bool:
        """Whether a person would see a spinner on standard error."""
        return self.out.isatty() and self.err.isatty()

    def view(self, now: float) -> View:
        """How pages for this screen are to be made at that unix time."""
        return View(self.is_terminal, int(now))

    def show(self, page: Page) -> None:
        """Write a page: with colour and to the width on a terminal, plain elsewhere."""
        with written():
            if self.is_terminal:
                write_richly(page, self.out)
            else:
                self.out.write(plain(page))
            self.out.flush()
        for part in page:
            if isinstance(part, Remark) and not self.is_terminal:
                self.err.write(escape(part.text) + "\n")
                self.err.flush()

    def raw(self, line: bytes) -> None:
        """Write one of the daemon's lines as it is."""
        with written():
            self.out.write(line.decode(errors="replace") + "\n")
            self.out.flush()

    def complain(self, sentence: str) -> None:
        """Say on standard error what went wrong."""
        self.err.write(f"hivectl: {escape(sentence)}\n")
        self.err.flush()


def write_richly(page: Page, out: TextIO) -> None:
    """A page for a terminal; rich knows its width, its colours, and NO_COLOR."""
    from rich.console import Console

    console = Console(file=out, highlight=False, markup=False, emoji=False)
    for part in page:
        console.print(_drawn(part, console.width), soft_wrap=False)


def _drawn(part: Line | Verbatim | Table | Remark, width: int) -> RenderableType:
    match part:
        case Table():
            return _rich_table(part, width)
        case Verbatim():
            return _rich_verbatim(part, width)
        case _:
            return _rich_line(part)


def _rich_line(line: Line | Remark) -> RenderableType:
    from rich.text import Text

    return Text(escape(line.text), line.style if isinstance(line, Line) else "")


def _rich_verbatim(line: Verbatim, width: int) -> RenderableType:
    from rich.cells import chop_cells
    from rich.text import Text

    # Broken here and marked, as the rest of a line that the terminal breaks would stand there like one of its own.
    shown = revealed(line.text).expandtabs()
    first = chop_cells(shown, width)[0] if shown else ""
    rest = chop_cells(shown[len(first) :], max(width - len(GOES_ON), 1))
    return Text("\n".join((first, *(GOES_ON + part for part in rest))), line.style, no_wrap=True, overflow="ignore")


def _rich_table(table: Table, width: int) -> RenderableType:
    from rich.cells import cell_len
    from rich.table import Table as RichTable
    from rich.text import Text

    drawn = RichTable(box=None, pad_edge=False, padding=(0, GAP, 0, 0), header_style="bold")
    headed = [tuple(column.heading for column in table.columns), *table.rows]
    natural = [max(cell_len(one_line(text_of(cell))) for cell in cells) for cells in zip(*headed, strict=True)]
    widths = fitted(table, natural, width - GAP * (len(natural) - 1))
    for column, width_of_it in zip(table.columns, widths, strict=True):
        drawn.add_column(
            column.heading,
            justify="right" if column.right else "left",
            no_wrap=True,
            overflow="ellipsis",
            width=width_of_it,
        )
    for row in table.rows:
        drawn.add_row(
            *(
                Text(
                    one_line(text_of(cell)),
                    cell.style if isinstance(cell, Line) else "",
                    no_wrap=True,
                    overflow="ellipsis",
                )
                for cell in row
            )
        )
    return drawn
