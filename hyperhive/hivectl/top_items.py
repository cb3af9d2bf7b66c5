"""What `hivectl top` lists: a line for each thing, its details, and what can be done about it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Final

from attrs import frozen

from hyperhive.hivectl.agent_pages import state_word, waits, why_mute
from hyperhive.hivectl.decision_pages import asked, options
from hyperhive.hivectl.mail_pages import who
from hyperhive.hivectl.page import Line, Verbatim, View

if TYPE_CHECKING:
    from hyperhive.hivectl.overview import Standing
    from hyperhive.wire.records import AgentStatus, Approval, MessageRow, Question
    from hyperhive.wire.turns import HeldThread

NEEDS: Final = "What needs you"
WORKS: Final = "Who works"
REST: Final = "The rest"


@frozen(kw_only=True)
class Item:
    """One thing: `key` stays the same as long as it is there. `details` is all of it, for who opens it.

    `approval` and `question` are the rows that can be decided or answered, where it is one.
    """

    key: str
    section: str
    line: Line
    details: Sequence[Line | Verbatim] = ()
    approval: Approval | None = None
    question: Question | None = None


def items(standing: Standing, view: View) -> list[Item]:
    """Everything, what needs the operator first, then who works, then the rest."""
    agents = sorted(standing.agents, key=lambda one: (not _works(one), one.name))
    return [*_needs(standing, view), *(_agent(one, view) for one in agents)]


def _needs(standing: Standing, view: View) -> Iterator[Item]:
    for need in standing.waiting(view.now).needs():
        made = _MADE.get(need.kind)
        yield _need(need.id, str(need.row), "bold red") if made is None else made(need.row, view)


def _failed(one: AgentStatus, view: View) -> Item:
    said = f"{one.name} failed" + (f" {view.moment(one.since)}" if one.since is not None else "")
    said += f": {one.failure}" if one.failure else ""
    return _need(f"failed-{one.name}", said, "bold red", f"hivectl start {one.name}", f"hivectl logs {one.name}")


def _login(one: AgentStatus, _view: View) -> Item:
    why = f": {one.harness.note}" if one.harness and one.harness.note else ""
    return _need(f"login-{one.name}", f"{one.name} has to be logged in{why}", "yellow", f"hivectl login {one.name}")


def _mute(one: AgentStatus, _view: View) -> Item:
    return _need(f"mute-{one.name}", why_mute(one), "yellow", f"hivectl logs {one.name}")


def _dead(letter: MessageRow, view: View) -> Item:
    said = f'dead letter {letter.id}, {who(letter)} to {letter.recipient}: "{view.brief(letter.body, 60)}"'
    return _need(f"dead-{letter.id}", said, "yellow", f"hivectl requeue {letter.id}", body=letter.body)


def _held(thread: HeldThread, view: View) -> Item:
    said = f"conversation {thread.thread} of {', '.join(thread.agents)} is held {view.moment(thread.since)}"
    return _need(f"held-{thread.thread}", said, "yellow", f"hivectl release {thread.thread}", body=thread.note)


def _need(key: str, said: str, style: str, *commands: str, body: str = "") -> Item:
    details: list[Line | Verbatim] = [Line(said, style), Line("")]
    details += [Verbatim(line) for line in body.splitlines()]
    details += [Line(command, "dim") for command in commands]
    return Item(key=key, section=NEEDS, line=Line(said, style), details=details)


def _approval(row: Approval, view: View) -> Item:
    stale = ", stale: another commit runs since" if row.stale else ""
    said = f"approval {row.id}: {asked(row)}{stale}, asked {view.moment(row.requested_at)}"
    by = [Line(f"by {row.requested_by}", "dim")] if row.requested_by else []
    why = [Verbatim(line) for line in (row.description or "no reason was given").splitlines()]
    return Item(
        key=f"approval-{row.id}",
        section=NEEDS,
        line=Line(said + (f', "{view.brief(row.description, 60)}"' if row.description else ""), "yellow"),
        details=[Line(said, "bold"), *by, Line(""), *why],
        approval=row,
    )


def _question(row: Question, view: View) -> Item:
    until = f", expires {view.moment(row.deadline_at)}" if row.deadline_at is not None else ""
    offered = f" ({view.brief(options(row), 60)})" if row.options else ""
    said = f'question {row.id}: {row.asker} asks "{view.brief(row.question, 80)}"{offered}{until}'
    listed = [Verbatim(f"{number}  {option}") for number, option in enumerate(row.options, 1)]
    several = [Line("several may be chosen: 'hivectl answer' takes them", "dim")] if row.multi and row.options else []
    return Item(
        key=f"question-{row.id}",
        section=NEEDS,
        line=Line(said, "yellow"),
        details=[
            Line(f"question {row.id} of {row.asker}, asked {view.moment(row.asked_at)}{until}", "bold"),
            Line(""),
            *map(Verbatim, row.question.splitlines()),
            Line(""),
            *listed,
            *several,
        ],
        question=row,
    )


_MADE: Final[dict[str, Callable[[Any, View], Item]]] = {
    "failed": _failed, "login": _login, "approval": _approval, "question": _question, "held": _held, "dead": _dead,
    "mute": _mute,
}  # fmt: skip
"""By the kind of a need: what is listed of its row."""


def _works(one: AgentStatus) -> bool:
    return one.running and not one.paused and bool(one.in_hand or one.turn is not None or one.operation is not None)


def _agent(one: AgentStatus, view: View) -> Item:
    facts = [state_word(one)]
    facts += [f"turn {one.turn}"] if one.turn is not None else []
    facts += [f"{one.in_hand} in hand"] if one.in_hand else []
    facts += [f"{one.unread} unread"] if one.unread else []
    facts += [f"operation {one.operation}"] if one.operation is not None else []
    facts += [f"waits ({waiting})"] if (waiting := waits(one, view)) else []
    facts += [f"since {view.moment(one.since)}"] if one.since is not None else []
    said = f"{one.name}: {', '.join(facts)}"
    status = f'  "{view.brief(one.status_text, 60)}"' if one.status_text else ""
    style = "green" if one.running and not one.paused else "dim"
    more = [
        Line(f"{what}: {value}")
        for what, value in (
            ("model", one.active_model), ("commit", one.deployed_sha), ("restarts", one.restarts or None),
            ("failure", one.failure), ("says", one.status_text), ("address", one.url),
        )
        if value is not None
    ]  # fmt: skip
    return Item(
        key=f"agent-{one.name}",
        section=WORKS if _works(one) else REST,
        line=Line(said + status, style),
        details=[Line(said, "bold"), Line(""), *more, *(Line(command, "dim") for command in _commands(one))],
    )


def _commands(one: AgentStatus) -> Iterator[str]:
    if one.turn is not None:
        yield f"hivectl turn {one.turn} --follow"
    yield f"hivectl logs {one.name}"
