"""What a turn's stream is made into for a page, and how much work that may be."""

from __future__ import annotations

import difflib
import json
from collections.abc import Sequence

import pytest

from hyperhive.dashboard.turn_stream import ALL_COMPARED, COMPARED, DiffLine, entries
from hyperhive.wire.turns import TurnEvent


@pytest.fixture
def compared(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many lines each comparison was given."""
    found: list[int] = []
    really = difflib.unified_diff

    def counting(before: Sequence[str], after: Sequence[str], **more: object) -> object:
        found.append(len(before) + len(after))
        return really(before, after, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(difflib, "unified_diff", counting)
    return found


def diffs(*changes: tuple[str, str]) -> list[Sequence[DiffLine]]:
    """What a page shows of such edits, one after the other."""
    events = []
    for number, (old, new) in enumerate(changes):
        given = {"file_path": "a", "old_string": old, "new_string": new}
        call = {"type": "tool_use", "id": str(number), "name": "Edit", "input": given}
        line = json.dumps({"type": "assistant", "message": {"content": [call]}})
        events.append(TurnEvent(seq=number + 1, at=0, event=line))
    return [entry.diff for entry in entries(1, events)]


def test_a_change_is_told_line_by_line() -> None:
    (told,) = diffs(("a\nb", "a\nc"))
    assert [(line.style, line.text) for line in told][1:] == [("", " a"), ("del", "-b"), ("add", "+c")]


def test_a_change_of_many_lines_is_told_as_what_goes_and_what_comes(compared: list[int]) -> None:
    (told,) = diffs(("a\n" * COMPARED, "b\nc"))
    assert told == (DiffLine("del", "\n".join(["-a"] * COMPARED)), DiffLine("add", "+b\n+c"))
    assert compared == []


def test_many_changes_on_one_page_are_compared_up_to_a_bound(compared: list[int]) -> None:
    half = COMPARED // 2
    told = diffs(*[("a\n" * half, "b\n" * half)] * 24, ("a", "b"))
    assert sum(compared) <= ALL_COMPARED
    assert all(told)
    assert len(told[-2]) == 2
