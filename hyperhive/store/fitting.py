"""Rows that fit on one line together: what one answer can carry is all that is worth reading."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from hyperhive.limits import MAX_LINE


def fitting(rows: Iterable[tuple[Any, ...]], texts: Sequence[int]) -> Iterator[tuple[Any, ...]]:
    """The first rows whose texts, at those columns, fit on one line together: at least one row."""
    room = MAX_LINE
    for count, row in enumerate(rows):
        room -= sum(len(row[column] or "") for column in texts)
        if room < 0 and count > 0:
            return
        yield row
