"""The ledger: what was decided and deployed, of all agents, over time."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from attrs import evolve, frozen

from hyperhive.dashboard.routes import Answer, Asked, Page, get
from hyperhive.errors import HiveError
from hyperhive.wire.records import Approval, ConfigEvent
from hyperhive.wire.states import ApprovalKind, ApprovalStatus

ROWS: Final = 100
WHAT: Final = {
    ApprovalKind.APPLY_COMMIT: "a new configuration",
    ApprovalKind.SPAWN: "to be spawned",
    ApprovalKind.INIT_CONFIG: "a first configuration",
    ApprovalKind.UPDATE: "to be made anew",
}
"""What each kind of approval asks for."""
ENDS: Final = {
    ApprovalStatus.APPROVED: ("carried out", "ok"),
    ApprovalStatus.FAILED: ("failed", "bad"),
    ApprovalStatus.DENIED: ("denied", "warn"),
    ApprovalStatus.CANCELLED: ("withdrawn", "idle"),
}
_STEPS: Final = {"deployed": "ok", "failed": "bad", "building": "busy"}
"""What the tags of a configuration tell that no approval does, with the tone of each."""


@frozen(kw_only=True)
class Entry:
    """One line of the ledger. `text` is whose words it were, or why; `approval` its number."""

    id: str
    at: int
    agent: str
    word: str
    tone: str
    what: str
    by: str | None = None
    text: str | None = None
    sha: str | None = None
    approval: int | None = None


@get("/ledger")
async def ledger(asked: Asked) -> Answer:
    """Everything, newest first; or what is about one agent."""
    name, skipped = asked.wanted("agent"), asked.number("skip", "a number of entries") or 0
    names = await asked.services.roster.names()
    entries = [entry for row in await asked.services.approvals.every() for entry in _of_approval(row)]
    for agent in names:
        if name in (None, agent):
            entries += _of_config(agent, await _history(asked, agent))
    wanted = [entry for entry in entries if name in (None, entry.agent)]
    wanted.sort(key=lambda entry: (-entry.at, entry.id))
    further = skipped + ROWS
    context = {
        "entries": wanted[skipped:further],
        "skip": further if len(wanted) > further else None,
        "names": names,
        "name": name or "",
    }
    return Page("ledger.html", context)


async def _history(asked: Asked, agent: str) -> Sequence[ConfigEvent]:
    try:
        return await asked.services.configurations.history(agent)
    except HiveError:  # it has no configuration yet
        return ()


def _of_approval(row: Approval) -> Iterable[Entry]:
    """The decision, and what came of it where that is later."""
    asked = Entry(
        id=f"approved-{row.id}", at=row.decided_at or 0, agent=row.agent, word="approved", tone="ok",
        what=WHAT[row.kind], by=row.decided_by, text=row.description, sha=row.sha, approval=row.id,
    )  # fmt: skip
    if row.decided_at is not None and row.status in (ApprovalStatus.APPROVED, ApprovalStatus.FAILED):
        yield asked
    end = ENDS.get(row.status)
    if end is not None and row.resolved_at is not None:
        word, tone = end
        by = row.decided_by if row.status in (ApprovalStatus.DENIED, ApprovalStatus.CANCELLED) else None
        yield evolve(asked, id=f"ended-{row.id}", at=row.resolved_at, word=word, tone=tone, by=by, text=row.note)


def _of_config(agent: str, events: Sequence[ConfigEvent]) -> Iterable[Entry]:
    for event in events:
        step, _, number = event.tag.partition("/")
        if step in _STEPS:
            yield Entry(
                id=f"tag-{agent}-{step}-{number}", at=event.at, agent=agent, word=step, tone=_STEPS[step],
                what=event.tag, text=event.text or None, sha=event.sha,
            )  # fmt: skip
