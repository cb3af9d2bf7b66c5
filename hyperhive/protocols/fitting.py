"""Answers that would be longer than a line may be carry fewer rows, and at least one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import attrs

from hyperhive.limits import MAX_LINE
from hyperhive.wire.responses import HostResponse
from hyperhive.wire.states import QuestionStatus

OLDEST_FIRST: Final = "log"
"""The field whose last rows are the ones that were asked for."""


def fitting_line(line_of: Callable[[Any], bytes], answer: Any) -> bytes:
    """The line of an answer, of which rows were dropped where it is too long: the last, or of a log the first.

    What of them waits for the operator is counted in `more`.
    """
    line = line_of(answer)
    while len(line) > MAX_LINE:
        name, rows = _rows(answer)
        if len(rows) <= 1:
            break
        keep = max(1, min(len(rows) - 1, len(rows) * MAX_LINE // len(line)))
        kept = rows[-keep:] if name == OLDEST_FIRST else rows[:keep]
        answer = attrs.evolve(answer, **{name: kept}, **_more(answer, rows[keep:]))
        line = line_of(answer)
    return line


def _more(answer: Any, dropped: tuple[Any, ...]) -> dict[str, int]:
    """How many more wait, where some of what was dropped does."""
    if isinstance(answer, HostResponse) and answer.questions is not None:
        waiting = sum(row.status is QuestionStatus.OPEN for row in dropped)
    elif isinstance(answer, HostResponse) and answer.approvals is not None and answer.more is not None:
        waiting = len(dropped)  # only a list of those that wait says how many more there are
    else:
        return {}
    return {"more": (answer.more or 0) + waiting} if waiting else {}


def _rows(answer: Any) -> tuple[str, tuple[Any, ...]]:
    """The field of an answer that holds the most rows."""
    lists = [(name, value) for name, value in _fields(answer).items() if isinstance(value, tuple)]
    return max(lists, key=lambda found: len(found[1]), default=("", ()))


def _fields(answer: Any) -> dict[str, Any]:
    return {attribute.name: getattr(answer, attribute.name) for attribute in attrs.fields(type(answer))}
