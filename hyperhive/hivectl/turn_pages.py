"""Pages about turns: lists of them, and what stands above and below the stream of one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Final

from hyperhive.hivectl.mail_pages import who
from hyperhive.hivectl.page import Column, Line, Page, Remark, Table, View, duration

if TYPE_CHECKING:
    from hyperhive.wire.records import MessageRow
    from hyperhive.wire.responses import HostResponse
    from hyperhive.wire.turns import Turn

_STYLES: Final = {"": "green", "done": "green", "failed": "bold red"}


def outcome(turn: Turn) -> str:
    """How a turn ended, in words."""
    return "under way" if turn.outcome is None else turn.outcome.value.replace("_", " ")


def turns(reply: HostResponse, view: View) -> Page:
    """Turns, newest first."""
    rows = reply.turns or ()
    if not rows:
        return (Remark("There was no turn yet."),)
    columns = (
        Column("ID", right=True), Column("AGENT"), Column("RUNNER"), Column("MODEL"), Column("MAIL"), Column("STARTED"),
        Column("TOOK", right=True), Column("OUTCOME"), Column("TOKENS", right=True), Column("COST", right=True),
        Column("ERROR", long=True),
    )  # fmt: skip
    table = Table(columns, [_row(row, view) for row in rows])
    return (table.without_empty("MODEL", "MAIL", "TOKENS", "COST", "ERROR"),)


def head(turn: Turn, mail: Sequence[MessageRow], view: View) -> Page:
    """What a turn is about, above its stream; `mail` is what could be found of it."""
    model = f", {turn.usage.model}" if turn.usage.model else ""
    about = f"about {_numbers(turn.messages)}" if turn.messages else "about no mail"
    first = f"Turn {turn.id} of {turn.agent} ({turn.runner}{model}), began {view.moment(turn.started_at)}, {about}"
    return (Line(first, "bold"), *(Line(f"  {row.id}  {who(row)}: {view.brief(row.body)}", "dim") for row in mail))


def foot(turn: Turn) -> Page:
    """How a turn ended, below its stream; nothing while it goes on."""
    if turn.outcome is None or turn.ended_at is None:
        return (Remark(f"It is under way: hivectl turn {turn.id} --follow shows how."),)
    error = f": {turn.error}" if turn.error else ""
    took = ", ".join(_took(turn))
    return (Line(f"{outcome(turn)} after {took}{error}", _style(turn)),)


def sentence_of_turn(turn: Turn) -> str:
    """One turn in one line."""
    if turn.outcome is None:
        return f"turn {turn.id}: {turn.agent} at work, {turn.events} events"
    error = f": {turn.error}" if turn.error else ""
    return f"turn {turn.id}: {turn.agent}, {outcome(turn)}{error}"


def _row(turn: Turn, view: View) -> tuple[str | Line, ...]:
    return (
        str(turn.id), turn.agent, turn.runner, turn.usage.model or "", ",".join(map(str, turn.messages)),
        view.moment(turn.started_at), "" if turn.ended_at is None else duration(turn.ended_at - turn.started_at),
        Line(outcome(turn), _style(turn)),
        _tokens(turn), _cost(turn), turn.error or "",
    )  # fmt: skip


def _took(turn: Turn) -> Iterator[str]:
    yield duration(max((turn.ended_at or 0) - turn.started_at, 0))
    for count, what in (
        (turn.usage.input_tokens, "tokens read"), (turn.usage.cached_tokens, "of them cached"),
        (turn.usage.output_tokens, "written"), (turn.usage.context_tokens, "in the context"),
    ):  # fmt: skip
        if count is not None:
            yield f"{count} {what}"
    if turn.usage.cost_micros is not None:
        yield _cost(turn)


def _tokens(turn: Turn) -> str:
    counted = [count for count in (turn.usage.input_tokens, turn.usage.output_tokens) if count is not None]
    return str(sum(counted)) if counted else ""


def _cost(turn: Turn) -> str:
    return "" if turn.usage.cost_micros is None else f"${turn.usage.cost_micros / 1_000_000:.4f}"


def _style(turn: Turn) -> str:
    return _STYLES.get("" if turn.outcome is None else turn.outcome.value, "yellow")


def _numbers(ids: Sequence[int]) -> str:
    return f"message {ids[0]}" if len(ids) == 1 else f"messages {', '.join(map(str, ids))}"
