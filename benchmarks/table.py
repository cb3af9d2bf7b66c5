"""The table that the benchmark prints."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from statistics import median

from attrs import astuple, frozen


@frozen(kw_only=True)
class Row:
    """One line of the table, each cell as it is printed."""

    what: str
    who: str
    figure: str
    p50: str = ""
    p99: str = ""
    compared: str = ""
    aim: str = ""


HEAD = Row(what="what", who="who", figure="result", p50="p50", p99="p99", compared="compared (range)", aim="aim")


def table(rows: Iterable[Row]) -> str:
    """The rows below their head, as a Markdown table whose columns line up on a terminal too."""
    cells: list[tuple[str, ...]] = [astuple(row) for row in (HEAD, *rows)]
    widths = [max(len(line[column]) for line in cells) for column in range(len(cells[0]))]
    head, *body = (_line(line, widths) for line in cells)
    return "\n".join([head, _line(["-" * width for width in widths], widths), *body])


def spread(values: Sequence[float]) -> str:
    """The median of the values, and the least and the greatest of them."""
    return f"{median(values):.2f} ({min(values):.2f}-{max(values):.2f})" if values else "-"


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    return "| " + " | ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)) + " |"
