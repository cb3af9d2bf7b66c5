"""Pages about agents and the operations on them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

from hyperhive.hivectl.page import Column, Line, Page, Remark, Table, View

if TYPE_CHECKING:
    from hyperhive.wire.records import AgentStatus, Operation
    from hyperhive.wire.responses import HostResponse

_STYLES: Final = {
    "failed": "bold red", "running": "green", "paused": "yellow", "stopped": "dim",
    "succeeded": "green", "unknown": "bold red", "queued": "yellow", "held": "yellow", "dead": "bold red",
}  # fmt: skip


def names(reply: HostResponse, _view: View) -> Page:
    """The agents, a name a line."""
    return tuple(Line(name) for name in reply.agents or ())


def agents(reply: HostResponse, view: View) -> Page:
    """Every agent as it stands."""
    statuses = reply.agent_statuses or ()
    stuck = [one.name for one in statuses if waits(one, view)]
    more = (Remark(f"Why {stuck[0]} waits, at length: hivectl logs {stuck[0]}"),) if stuck else ()
    return (roster(statuses, view), *more)


def agent_change(reply: HostResponse, view: View) -> Page:
    """One line for each agent that changed."""
    return tuple(Line(sentence_of(status, view)) for status in reply.agent_statuses or ())


def operations(reply: HostResponse, view: View, most: int | None = None) -> Page:
    """Operations as they came, newest first; at most so many."""
    rows = (reply.operations or ())[:most]
    if not rows:
        return (Remark("No operation is under way."),)
    columns = (
        Column("ID", right=True), Column("AGENT"), Column("KIND"), Column("STATE"), Column("BY"),
        Column("QUEUED"), Column("STARTED"), Column("ENDED"), Column("ERROR", long=True),
    )  # fmt: skip
    return (Table(columns, [_operation_row(row, view) for row in rows]).without_empty("ENDED", "ERROR"),)


def log(reply: HostResponse, _view: View) -> Page:
    """The lines of an agent's output."""
    return tuple(Line(line) for line in reply.log or ()) or (Remark("The log is empty."),)


def urls(reply: HostResponse, _view: View) -> Page:
    """The addresses for a browser."""
    found = reply.urls
    if found is None or not (found.domain or found.home):
        return (Line("This hive has no address for browsers."),)
    return tuple(
        Line(f"{what:6}  {where}") for what, where in (("home", found.home), ("domain", found.domain)) if where
    )


def roster(statuses: Iterable[AgentStatus], view: View, under_way: Iterable[Operation] = ()) -> Table:
    """The agents as a table; operations are named where `under_way` tells what they are."""
    kinds = {row.id: f"{row.kind.value} " for row in under_way}
    columns = (
        Column("NAME"), Column("STATE"), Column("UNREAD", right=True), Column("IN HAND", right=True),
        Column("TURN", right=True), Column("WAITS", long=True), Column("OPERATION"), Column("NEXT START"),
        Column("SINCE"), Column("RESTARTS", right=True), Column("MODEL"),
        Column("COMMIT"), Column("PARENT"), Column("FAILURE", long=True), Column("STATUS", long=True), Column("URL"),
    )  # fmt: skip
    rows = [
        (
            Line(one.name, "bold"), _state(one), str(one.unread), str(one.in_hand or ""),
            str(one.turn or ""), waits(one, view),
            "" if one.operation is None else f'{kinds.get(one.operation, "")}{one.operation}',
            view.moment(one.restart_at), view.moment(one.since), str(one.restarts or ""), one.active_model or "",
            (one.deployed_sha or "")[:12], one.parent or "", one.failure or "", _status_text(one, view), one.url or "",
        )
        for one in statuses
    ]  # fmt: skip
    return Table(columns, rows).without_empty(
        "IN HAND",
        "TURN",
        "WAITS",
        "OPERATION",
        "NEXT START",
        "RESTARTS",
        "MODEL",
        "COMMIT",
        "PARENT",
        "FAILURE",
        "STATUS",
        "URL",
    )


def state_word(status: AgentStatus) -> str:
    """How an agent stands, in a word: failed, stopped, paused, or running; and what it needs, if anything."""
    word = "running" if status.running else "failed" if status.failed else "stopped"
    if status.paused and status.running:
        word = "paused"
    needs = [what for what, is_so in (("login", status.needs_login), ("update", status.needs_update)) if is_so]
    return f"{word}, needs {' and '.join(needs)}" if needs else word


def waits(status: AgentStatus, view: View) -> str:
    """Why the program inside a running agent begins no turn now, until when, and what it says; empty if it would."""
    harness = status.harness
    if harness is None or harness.state.value not in {"waiting", "limited"}:
        return ""
    why = {"waiting": "after a failure", "limited": "limited"}[harness.state.value]
    until = "" if harness.until is None else f", goes on {view.moment(harness.until)}"
    return f"{why}{until}{f': {view.brief(harness.note)}' if harness.note else ''}"


def why_mute(status: AgentStatus) -> str:
    """The sentence about one whose mail nothing takes."""
    return f"{status.name} has {status.unread} unread, and nothing in it says that it takes mail"


def sentence_of(status: AgentStatus, view: View) -> str:
    """One agent in one line, for those who follow."""
    parts = [f"{view.clock()} {status.name}: {state_word(status)}", f"{status.unread} unread"]
    if status.failure:
        parts.insert(1, status.failure)
    if status.restart_at is not None:
        parts.append(f"restart {view.moment(status.restart_at)}")
    if status.in_hand:
        parts.append(f"works on {status.in_hand}")
    if status.turn is not None:
        parts.append(f"turn {status.turn}")
    if waiting := waits(status, view):
        parts.append(f"waits ({waiting})")
    if status.paused and not status.running:
        parts.append("paused")
    if status.operation is not None:
        parts.append(f"operation {status.operation}")
    if status.status_text:
        parts.append(f'"{view.brief(status.status_text)}"')
    return ", ".join(parts)


def sentence_of_operation(row: Operation) -> str:
    """One operation in one line."""
    error = f": {row.error}" if row.error else ""
    return f"operation {row.id}: {row.kind.value} {row.agent}, {row.state.value}{error}"


def styled(word: str) -> Line:
    """A word for a state, in the colour of that state."""
    return Line(word, _STYLES.get(word.partition(",")[0], ""))


def _state(status: AgentStatus) -> Line:
    return styled(state_word(status))


def _status_text(status: AgentStatus, view: View) -> str:
    if not status.status_text:
        return ""
    return f"{status.status_text} ({view.moment(status.status_set_at)})" if status.status_set_at else status.status_text


def _operation_row(row: Operation, view: View) -> tuple[str | Line, ...]:
    return (
        str(row.id), row.agent, row.kind.value, styled(row.state.value), row.requested_by,
        view.moment(row.queued_at), view.moment(row.started_at), view.moment(row.ended_at), row.error or "",
    )  # fmt: skip
