"""`hivectl status`: one screen of what matters, what needs the operator first."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from attrs import frozen

from hyperhive.hivectl.agent_pages import roster, waits, why_mute
from hyperhive.hivectl.console_pages import where
from hyperhive.hivectl.decision_pages import NO_ROOM, asked, options
from hyperhive.hivectl.mail_pages import who
from hyperhive.hivectl.page import Line, Page, Table, View
from hyperhive.wire import host_requests as ask
from hyperhive.wire.dangers import danger
from hyperhive.wire.host_turn_requests import Held
from hyperhive.wire.names import MANAGER
from hyperhive.wire.needs import Waiting, is_for_operator, is_mute

if TYPE_CHECKING:
    from hyperhive.wire.records import AgentStatus, Approval, Backend, Console, MessageRow, Operation, Question
    from hyperhive.wire.responses import HostResponse
    from hyperhive.wire.turns import HeldThread

REQUESTS = (
    ask.AgentStatus(), ask.Pending(), ask.Questions(), ask.DeadLetters(), Held(), ask.Operations(), ask.Urls(),
)  # fmt: skip
Row = TypeVar("Row")
SHOWN = 5
"""How many of a kind are shown one by one; the rest is a number."""


@frozen
class Standing:
    """How the hive stands, put together from the answers to REQUESTS."""

    agents: Sequence[AgentStatus]
    approvals: Sequence[Approval]
    other_approvals: int
    questions: Sequence[Question]
    other_questions: int
    dead_letters: Sequence[MessageRow]
    held: Sequence[HeldThread]
    operations: Sequence[Operation]
    home: str | None
    backend: Backend | None
    console: Console | None

    @classmethod
    def of(cls, replies: Sequence[HostResponse]) -> Standing:
        """From the answers, in the order of REQUESTS."""
        agents, pending, questions, dead, held, operations, urls = replies
        return cls(
            agents.agent_statuses or (),
            pending.approvals or (),
            pending.more or 0,
            [row for row in questions.questions or () if is_for_operator(row)],
            questions.more or 0,
            dead.messages or (),
            held.held or (),
            operations.operations or (),
            urls.urls.home if urls.urls else None,
            agents.backend,
            agents.console,
        )

    @property
    def trouble(self) -> Sequence[str]:
        """What keeps the hive from working."""
        blind = self.backend.blind if self.backend else None
        return [f"Nothing can be started or stopped, as {blind}"] if blind else []

    def waiting(self, now: int) -> Waiting:
        """What of it may need the operator."""
        return Waiting(
            now=now,
            trouble=self.trouble,
            agents=self.agents,
            approvals=self.approvals,
            questions=self.questions,
            held=self.held,
            dead=self.dead_letters,
        )

    @property
    def failed(self) -> Sequence[AgentStatus]:
        """The agents that stopped though nobody had asked for that, and that no operation is about."""
        return [one for one in self.agents if one.failed and one.operation is None]


def status(replies: Sequence[HostResponse], view: View) -> Page:
    """The screen."""
    standing = Standing.of(replies)
    needs = [*_blind(standing), *_needs(standing, view)]
    return (
        *([Line("What needs you", "bold"), *needs] if needs else [Line("Nothing needs you.", "green")]),
        Line(""),
        _agents(standing, view) if standing.agents else Line("There is no agent."),
        *_quiet(standing, view),
        *_surroundings(standing),
    )


def _agents(standing: Standing, view: View) -> Table:
    """The agents, without what each is made of and where it is: that needs nobody, and 'hivectl agents' has it."""
    return roster(standing.agents, view, standing.operations).without("COMMIT", "MODEL", "PARENT", "URL")


def _blind(standing: Standing) -> Iterator[Line]:
    yield from (Line(f"  {sentence}", "red") for sentence in standing.trouble)


def _surroundings(standing: Standing) -> Iterator[Line]:
    if standing.home or standing.console or (standing.backend and not standing.backend.isolates):
        yield Line("")
    if standing.backend and not standing.backend.isolates:
        kind = standing.backend.kind
        yield Line(f"Containers are '{kind}', which isolates nobody{danger(kind)}.", "dim")
    if standing.console:
        yield where(standing.console)
    if standing.home:
        yield Line(f"Browser: {standing.home}")


def why_quiet(standing: Standing) -> str | None:
    """Why nothing happens, and what would change that; None if something is under way."""
    agents = standing.agents
    if standing.operations or any(one.operation is not None for one in agents):
        return None
    if any(one.in_hand or one.turn is not None or (one.unread and one.running and not one.paused) for one in agents):
        return None
    if any(one.restart_at is not None for one in agents):
        return None
    if not any(one.running for one in agents):
        return "Quiet, as no agent runs: hivectl start NAME starts one, hivectl spawn NAME makes one."
    running = [one for one in agents if one.running]
    if all(one.paused for one in running):
        return "Quiet, as every running agent is paused: hivectl resume NAME lets one go on."
    if {one.name for one in agents} == {MANAGER}:
        return (
            "Quiet, as the manager has read its mail and has no agents: "
            "hivectl send manager TEXT gives it work, hivectl spawn NAME makes an agent."
        )
    return "Quiet, as no running agent has unread mail: hivectl send NAME TEXT gives one work."


def _quiet(standing: Standing, view: View) -> Iterator[Line | Table]:
    stuck = [one for one in standing.agents if one.unread and not _works(one) and not is_mute(one, view.now)]
    reason = why_quiet(standing)
    if stuck or reason:
        yield Line("")
    for one in stuck:
        yield Line(_why_unread(one, view))
    if reason:
        yield Line(reason, "dim")


def _works(one: AgentStatus) -> bool:
    return one.running and not one.paused and bool(one.in_hand or one.turn is not None or one.operation is not None)


def _why_unread(one: AgentStatus, view: View) -> str:
    if one.restart_at is not None:
        return f"{one.name} has {one.unread} unread, and takes it after its restart {view.moment(one.restart_at)}"
    if not one.running:
        return f"{one.name} is not running and has {one.unread} unread: hivectl start {one.name}"
    if one.needs_login:
        return f"{one.name} is not logged in and has {one.unread} unread: hivectl login {one.name}"
    if waiting := waits(one, view):
        return f"{one.name} waits ({waiting}) and has {one.unread} unread: hivectl logs {one.name}"
    if one.paused:
        return f"{one.name} is paused and has {one.unread} unread: hivectl resume {one.name}"
    return f"{one.name} has {one.unread} unread and has not taken it: hivectl logs {one.name} says why"


def _needs(standing: Standing, view: View) -> Iterator[Line]:
    yield from _approvals(standing, view)
    yield from _section(
        f"{_counted(len(standing.questions), 'open question')}: hivectl questions",
        standing.questions,
        lambda row: f"{row.id}  {_question(row, view)}: hivectl answer {row.id} ...",
    )
    if standing.other_questions:
        yield Line(f"  {_counted(standing.other_questions, 'more open question')}, {NO_ROOM}", "yellow")
    yield from _section(
        f"{_counted(len(standing.failed), 'failed agent')}: hivectl agents",
        standing.failed,
        partial(_failed, view),
        style="bold red",
    )
    yield from _section(
        f"{_counted(len(standing.dead_letters), 'dead letter')}: hivectl dead-letters",
        standing.dead_letters,
        lambda row: f'{row.id}  {who(row)} to {row.recipient}, "{view.brief(row.body, 40)}": hivectl requeue {row.id}',
    )
    yield from _section(
        f"{_counted(len(standing.held), 'held conversation')}: hivectl held", standing.held, partial(_held, view)
    )
    mute = [one for one in standing.agents if is_mute(one, view.now)]
    yield from _section(
        f"{_counted(len(mute), 'agent')} without anything that takes mail: hivectl agents",
        mute,
        lambda one: f"{why_mute(one)}: hivectl logs {one.name}",
    )
    login = [one for one in standing.agents if one.needs_login]
    yield from _section(f"{_counted(len(login), 'agent')} to be logged in", login, partial(_login, view))


def _section(heading: str, rows: Sequence[Row], told: Callable[[Row], str], *, style: str = "yellow") -> Iterator[Line]:
    """What needs the operator in one way, the first of them one by one; nothing where nothing does."""
    if rows:
        yield Line(f"  {heading}", style)
        for row in rows[:SHOWN]:
            yield Line(f"    {told(row)}")
        if len(rows) > SHOWN:
            yield Line(f"    and {len(rows) - SHOWN} more", "dim")


def _failed(view: View, one: AgentStatus) -> str:
    since = f" {view.moment(one.since)}" if one.since is not None else ""
    cause = f", {view.brief(one.failure, 60)}" if one.failure else ""
    again = "" if one.restart_at is None else f", restart {view.moment(one.restart_at)}"
    return f"{one.name} failed{since}{cause}{again}: hivectl logs {one.name}, hivectl start {one.name}"


def _held(view: View, one: HeldThread) -> str:
    told = f"{', '.join(one.agents)}, {_counted(one.messages, 'message')}, {view.moment(one.since)}"
    return f"{one.thread}  {told}: hivectl release {one.thread}"


def _login(view: View, one: AgentStatus) -> str:
    why = f", {view.brief(one.harness.note, 60)}" if one.harness and one.harness.note else ""
    return f"{one.name}{why}: hivectl login {one.name}"


def _approvals(standing: Standing, view: View) -> Iterator[Line]:
    count = len(standing.approvals) + standing.other_approvals
    everything = " --all" if standing.other_approvals else ""
    heading = f"{_counted(count, 'pending approval')}: hivectl pending{everything}"
    if count and not standing.approvals:
        yield Line(f"  {heading}", "yellow")
    yield from _section(heading, standing.approvals, partial(_approval, view))


def _approval(view: View, row: Approval) -> str:
    described = f', "{view.brief(row.description, 40)}"' if row.description else ""
    told = f"{asked(row)}{described}, {view.moment(row.requested_at)}{', stale' if row.stale else ''}"
    return f"{row.id}  {told}: {', '.join(_decisions(row))}"


def _decisions(row: Approval) -> Iterator[str]:
    """The commands that settle it; a commit is to be looked at first, and what is stale has to be."""
    looks = ("diff",) if row.commit_ref else ()
    for command in (*looks, *(() if row.stale else ("approve",)), "deny"):
        yield f"hivectl {command} {row.id}"


def _question(row: Question, view: View) -> str:
    offered = f" ({view.brief(options(row), 60)})" if row.options else ""
    return f'{row.asker} asks "{view.brief(row.question, 60)}"{offered}'


def _counted(count: int, what: str) -> str:
    return f"{count} {what}" if count == 1 else f"{count} {what}s"
