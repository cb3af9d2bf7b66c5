"""Pages about agents' configurations: what a commit changes, what became of each, what stands in one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Final

from hyperhive.hivectl.page import Column, Line, Page, Remark, Table, Verbatim, View
from hyperhive.hivectl.patches import styled_lines
from hyperhive.wire.names import MANAGER
from hyperhive.wire.needs import is_undecided
from hyperhive.wire.states import ApprovalStatus

if TYPE_CHECKING:
    from hyperhive.wire.records import ConfigEvent, ConfigFile
    from hyperhive.wire.responses import HostResponse

RUNNING: Final = "running"
AGAINST: Final = {
    RUNNING: "what runs",
    "last-approved": "what was approved last",
    "previous-proposal": "what was proposed before it",
}
"""What a commit can be shown against, in words."""
_THEN: Final = "what ran when it was decided"
_DECIDED: Final = {ApprovalStatus.PENDING: "is decided", ApprovalStatus.FAILED: "has failed"}
_CONFIGURATION: Final = "agent.toml"
_NOES: Final = ("denied", "cancelled")
_TAG_STYLES: Final = {"deployed": "green", "failed": "bold red", "denied": "dim"}


def diff(number: int, against: str | None = None) -> Callable[[HostResponse, View], Page]:
    """What the commit of an approval changes, and how to approve exactly that."""
    return lambda reply, view: (
        *_head(reply, view, number, against),
        Line(""),
        *(styled_lines(reply.diff) if reply.diff else (Line("Nothing: both commits hold the same files."),)),
        Line(""),
        *_foot(reply, number),
    )


def log(agent: str, most: int | None = None) -> Callable[[HostResponse, View], Page]:
    """What became of an agent's configuration, newest first; at most so many steps."""
    return lambda reply, view: _log((reply.config_log or ())[:most], agent, view)


def show(reply: HostResponse, _view: View) -> Page:
    """The files of a configuration, each under its name where there are several."""
    files = sorted(reply.files or (), key=lambda file: (file.path != _CONFIGURATION, file.path))
    page: list[Line | Verbatim | Remark] = [Remark(f"Commit {reply.sha}:")] if reply.sha else []
    for file in files:
        if len(files) > 1:
            page.append(Verbatim(f"==> {file.path} <==", "bold"))
        page.extend(_lines(file))
        if file.cut:
            page.append(Remark(f"{file.path} goes on; 'git show' in the applied repository shows all of it."))
    return page if files else (*page, Remark("There is no file in it."))


def _head(reply: HostResponse, view: View, number: int, against: str | None) -> Iterator[Line | Verbatim]:
    row = next(iter(reply.approvals or ()), None)
    waits = row is None or is_undecided(row)
    if row is None:
        yield Line(f"Approval {number}", "bold")
    else:
        asked = f"asked for by the {row.requested_by or MANAGER} {view.moment(row.requested_at)}"
        yield Line(f"Approval {number}: {row.agent} {'is' if waits else 'was'} to run another commit, {asked}", "bold")
        if row.description:
            yield from (Verbatim(f"  | {line}") for line in row.description.split("\n"))
    yield Line(f"  commit   {reply.sha or 'unknown'}")
    yield Line(f"  against  {reply.base or 'nothing'}, {_words(against, waits=waits)}")
    if row is not None and row.stale:
        yield Line(f"  stale: {row.agent} runs another commit since this was asked for", "yellow")


def _words(against: str | None, *, waits: bool) -> str:
    if against is None:
        return AGAINST[RUNNING] if waits else _THEN
    return AGAINST.get(against, against)


def _foot(reply: HostResponse, number: int) -> Iterator[Line]:
    row = next(iter(reply.approvals or ()), None)
    if row is not None and not is_undecided(row):
        said = _DECIDED.get(row.status, f"is {row.status.value}")
        yield Line(f"Approval {number} {said} already.")
    elif reply.digest is None:
        yield Line(f"To approve it, see what it changes of what runs: hivectl diff {number}")
    else:
        yield Line(f"digest   {reply.digest}")
        yield Line(f"hivectl approve {number} --digest {reply.digest}", "bold")


def _log(rows: tuple[ConfigEvent, ...], agent: str, view: View) -> Page:
    if not rows:
        return (Remark(f"Nothing is recorded of {agent}'s configuration."),)
    columns = (Column("TAG"), Column("COMMIT"), Column("WHEN"), Column("TEXT", long=True))
    return (Table(columns, [_step(row, view) for row in rows]).without_empty("TEXT"),)


def _step(row: ConfigEvent, view: View) -> tuple[str | Line, ...]:
    step = row.tag.partition("/")[0]
    text = row.text.strip()
    if step in _NOES:  # by whom, and below that the note
        text = text.replace("\n\n", ": ", 1)
    return (Line(row.tag, _TAG_STYLES.get(step, "")), row.sha[:12], view.moment(row.at), text.partition("\n")[0])


def _lines(file: ConfigFile) -> Iterator[Verbatim]:
    if file.text:
        yield from (Verbatim(line) for line in file.text.removesuffix("\n").split("\n"))
