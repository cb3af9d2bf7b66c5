"""The screen of `hivectl top`, as lines: which of them fit, which is chosen, and what the last line says."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from hyperhive.hivectl.decision_pages import NO_ROOM
from hyperhive.hivectl.overview import Standing
from hyperhive.hivectl.page import Line, Page, Verbatim, View
from hyperhive.hivectl.safe import escape, revealed
from hyperhive.hivectl.screen import GOES_ON
from hyperhive.hivectl.top_items import NEEDS, Item, items

if TYPE_CHECKING:
    from hyperhive.hivectl.top_state import State
    from hyperhive.wire.responses import HostResponse

KEYS: Final = "j k move   enter details   a approve   d deny   r reply   q end"
KEYS_OF_DETAILS: Final = "j k space scroll   esc back   a approve   d deny   r reply   q end"


def once(replies: Sequence[HostResponse], view: View) -> Page:
    """All of it, for a pipe."""
    standing = Standing.of(replies)
    others = standing.other_approvals
    more = [Line(f"  {others} more approvals: hivectl pending --all")] if others else []
    if standing.other_questions:
        more.append(Line(f"  {standing.other_questions} more open questions, {NO_ROOM}"))
    listed = items(standing, view)
    return (*(line for line, _ in _listing(listed)), *more)


def drawn(state: State, height: int, width: int) -> list[tuple[Line | Verbatim, bool]]:
    """The lines of the screen, exactly `height` of them, each with whether it is the chosen one.

    In details no line is cut: what somebody says yes to is seen to its end.
    """
    head: list[tuple[Line | Verbatim, bool]] = []
    if state.trouble:
        head = [(Line(f"Not live, what you see is from before: {state.trouble}", "bold white on red"), False)]
    foot = [(_last_line(state), False)]
    room = max(1, height - len(head) - len(foot))
    if state.open is not None:
        body: list[tuple[Line | Verbatim, bool]] = [
            (piece, False) for line in state.details for piece in _pieces(line, width)
        ]  # fmt: skip
        state.furthest = max(0, len(body) - room)
        first = state.scrolled = min(state.scrolled, state.furthest)
    else:
        body = [(line, item is not None and item.key == state.chosen) for line, item in _listing(state.items)]
        at = next((number for number, (_, chosen) in enumerate(body) if chosen), 0)
        first = max(0, min(at - room // 2, len(body) - room))
    shown = body[first : first + room]
    blank: list[tuple[Line | Verbatim, bool]] = [(Line(""), False)] * (room - len(shown))
    return [*head, *shown, *blank, *foot][:height]


def _listing(listed: Sequence[Item]) -> list[tuple[Line, Item | None]]:
    lines: list[tuple[Line, Item | None]] = []
    if not any(item.section == NEEDS for item in listed):
        lines.append((Line("Nothing needs you.", "green"), None))
    section = ""
    for item in listed:
        if item.section != section:
            section = item.section
            lines += [*([(Line(""), None)] if lines else []), (Line(section, "bold"), None)]
        lines.append((Line(f"  {item.line.text}", item.line.style), item))
    return lines


def _pieces(line: Line | Verbatim, width: int) -> list[Line | Verbatim]:
    """One line as those that a terminal of that width has room for; what goes on is marked."""
    from rich.cells import chop_cells

    shown = (revealed(line.text) if isinstance(line, Verbatim) else escape(line.text)).expandtabs()
    first = chop_cells(shown, width)[0] if shown else ""
    rest = chop_cells(shown[len(first) :], max(width - len(GOES_ON), 1))
    return [Verbatim(text, line.style) for text in (first, *(GOES_ON + part for part in rest))]


def _last_line(state: State) -> Line:
    if state.wording is not None:
        return Line(f"{state.wording.prompt} {state.wording.text}\u2588", "bold")
    if state.sure is not None:
        return Line(f"{state.sure.sentence} y: yes, any other key: no", "bold yellow")
    if state.said:
        return Line(state.said, "bold")
    return Line(KEYS if state.open is None else KEYS_OF_DETAILS, "dim")
