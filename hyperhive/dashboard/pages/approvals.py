"""Approvals: what waits for a yes or no, what was decided, and each by itself at an address that stays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from hyperhive import patches
from hyperhive.dashboard.config_words import Change, changes
from hyperhive.dashboard.routes import Answer, Asked, Elsewhere, NotFound, Page, get, post
from hyperhive.errors import HiveError, Refused
from hyperhive.services.proposals import AGAINST, RUNNING, Comparison
from hyperhive.wire.names import OPERATOR
from hyperhive.wire.needs import is_undecided
from hyperhive.wire.records import Approval
from hyperhive.wire.states import ApprovalStatus

SHOWN: Final = 50
FOLDED: Final = 200
"""A file with more lines than that is folded."""
ALL_FOLDED: Final = 2000
"""So are all of them where they have more than that together."""
SEEN: Final = "seen"
DECIDED: Final = "decided"
"""That a commit is shown against what ran when it was decided."""


@get("/approvals")
async def approvals(asked: Asked) -> Answer:
    """The undecided ones, then the decided, of all agents or of one."""
    service, agent = asked.services.approvals, asked.wanted("agent")
    before = asked.number("before", "the number of an approval")
    waiting = await service.undecided()
    decided = await service.decided(SHOWN + 1, before)
    return Page(
        "approvals.html",
        {
            "agent": agent or "",
            "waiting": [one for one in waiting if agent in (None, one.agent)],
            "decided": [one for one in decided[:SHOWN] if agent in (None, one.agent)],
            "more": decided[SHOWN - 1].id if len(decided) > SHOWN else None,
            "before": before,
            "agents": sorted({one.agent for one in (*waiting, *decided)}),
            "standing": standing,
        },
    )


@get("/approvals/<id:int>")
async def approval(asked: Asked) -> Answer:
    """One approval."""
    return await _approval(asked, await _found(asked))


@post("/approvals/<id:int>")
async def decide(asked: Asked) -> Answer:
    """Grant it or refuse it. Where that is refused, what was typed stays on the page."""
    found = await _found(asked)
    try:
        said = await _decide(asked, found)
    except HiveError as refusal:
        return await _approval(asked, await _found(asked), str(refusal))
    return Elsewhere(asked.back(f"/approvals/{found.id}"), said)


async def _decide(asked: Asked, found: Approval) -> str:
    service, note = asked.services.approvals, asked.said("note")
    match asked.said("decision"):
        case "deny":
            await service.deny(found.id, note, OPERATOR)
            return f"Approval {found.id} is denied."
        case "approve":
            grave = [change for change in await _changes(asked, found) if change.grave]
            if grave and asked.said(SEEN) is None:
                message = f"{found.agent} is to reach more of the host than it does; say that you have seen that"
                raise Refused(message)
            if found.sha is not None and asked.said("digest") is None:
                message = f"approval {found.id} changes a configuration: see what on its own page, and approve it there"
                raise Refused(message)
            operation = await service.approve(found.id, OPERATOR, asked.said("digest"), note)
            return f"Approval {found.id} is granted; operation {operation} carries it out."
    message = "'decision' must be 'approve' or 'deny'"
    raise Refused(message)


async def _found(asked: Asked) -> Approval:
    id_ = int(asked.arguments["id"])
    try:
        return await asked.services.approvals.one(id_)
    except Refused as refusal:
        message = f"there is no approval {id_}"
        raise NotFound(message) from refusal


async def _approval(asked: Asked, found: Approval, refusal: str | None = None) -> Page:
    operation = None
    if found.operation is not None:
        (operation,) = await asked.services.lifecycle.rows([found.operation])
    context: Mapping[str, Any] = {
        "approval": found,
        "standing": standing(found),
        "undecided": is_undecided(found),
        "operation": operation,
        "refusal": refusal,
        "note": asked.said("note") or "",
        "against": asked.wanted("against") if asked.wanted("against") in AGAINST else _usual(found),
        "comparison": None,
        "no_diff": None,
        "files": (),
        "changes": (),
        "objection": None,
        "folded": FOLDED,
        **(await _commit(asked, found) if found.sha is not None else {}),
    }
    return Page("approval.html", context, 200 if refusal is None else 409)


def _usual(found: Approval) -> str:
    """What its commit is shown against where nothing else is wanted."""
    return RUNNING if is_undecided(found) else DECIDED


async def _commit(asked: Asked, found: Approval) -> Mapping[str, Any]:
    """What is shown of a commit: what it changes, as lines and in words, and whether the agent can be made from it."""
    against = asked.wanted("against")
    try:
        comparison: Comparison = await asked.services.approvals.diff(found.id, against if against in AGAINST else None)
    except HiveError as error:
        return {"no_diff": str(error)}
    files = patches.files(comparison.diff)
    total = sum(len(file.lines) for file in files)
    return {
        "comparison": comparison,
        "files": files,
        "folded": FOLDED if total <= ALL_FOLDED else 0,
        "changes": await _changes(asked, found, comparison.base),
        "objection": await _objection(asked, found) if is_undecided(found) else None,
    }


async def _changes(asked: Asked, found: Approval, base: str | None = None) -> Sequence[Change]:
    """What the commit changes of what `base`, or else what runs, says; nothing where that can't be read."""
    if found.sha is None:
        return ()
    configurations = asked.services.configurations
    try:
        if base is None:
            base = (await configurations.deployed(found.agent)).commit
        old, new = await configurations.said(found.agent, base), await configurations.said(found.agent, found.sha)
    except HiveError:
        return ()
    return changes(old, new, asked.services.facts.network)


async def _objection(asked: Asked, found: Approval) -> str | None:
    """Why the agent can't be made from the commit, as far as that can be known now."""
    try:
        await asked.services.configurations.check(found.agent, found.sha or "")
    except HiveError as error:
        return str(error)
    return None


def standing(found: Approval) -> tuple[str, str]:
    """Where it stands: a word, and its tone."""
    match found.status:
        case ApprovalStatus.PENDING if found.decided_at is not None:
            return "approved, under way", "busy"
        case ApprovalStatus.PENDING:
            return ("waits, stale", "warn") if found.stale else ("waits for you", "warn")
        case ApprovalStatus.APPROVED:
            return "approved and done", "ok"
        case ApprovalStatus.FAILED:
            return "failed", "bad"
        case ApprovalStatus.DENIED:
            return "denied", "idle"
        case ApprovalStatus.CANCELLED:
            return "withdrawn", "idle"
