"""What an agent is made from, what became of its configuration, and the way back to what ran before."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from hyperhive import patches
from hyperhive.dashboard.routes import Answer, Asked, Elsewhere, NotFound, Page, get, post
from hyperhive.errors import HiveError, Refused, UnknownAgent
from hyperhive.store.agents import unknown
from hyperhive.wire.names import OPERATOR
from hyperhive.wire.records import ConfigEvent

FOLDED: Final = 200
"""A file of which more lines changed than that is folded."""


@get("/agents/<name>/configuration")
async def configuration(asked: Asked) -> Answer:
    """The files that run, and the history."""
    name = asked.arguments["name"]
    if name not in await asked.services.roster.names():
        raise NotFound(unknown(name))
    configurations = asked.services.configurations
    try:
        commit, files = await configurations.files(name, None)
        history = await configurations.history(name)
    except HiveError as error:
        return Page("configuration.html", {"name": name, "missing": str(error)})
    context = {"name": name, "missing": None, "commit": commit, "files": files, "history": history}
    return Page("configuration.html", {**context, "returns": _ways_back(history, commit)})


@get("/agents/<name>/configuration/<step>/<number:int>")
async def step(asked: Asked) -> Answer:
    """One step of the history, and what its commit changed."""
    name = asked.arguments["name"]
    configurations = asked.services.configurations
    try:
        found = await configurations.step(name, f"{asked.arguments['step']}/{asked.arguments['number']}")
        commit, _ = await configurations.files(name, None)
        history = await configurations.history(name)
    except (Refused, UnknownAgent) as refusal:
        raise NotFound(str(refusal)) from refusal
    return Page(
        "configuration_step.html",
        {
            "name": name,
            "found": found,
            "files": [] if found.diff is None else patches.files(found.diff),
            "folded": FOLDED,
            "runs": found.event.sha == commit,
            "returns": _ways_back(history, commit),
        },
    )


@post("/agents/<name>/rollback")
async def rollback(asked: Asked) -> Answer:
    """Deploy a step of the history again, by the operator's own word."""
    name, ref = asked.arguments["name"], asked.said("ref")
    if ref is None:
        message = "nothing was rolled back: 'ref' must name a step such as 'deployed/3'"
        raise Refused(message)
    operation = await asked.services.approvals.roll_back(name, ref, OPERATOR)
    return Elsewhere(f"/agents/{name}", f"{name} is being deployed from {ref} (operation {operation}).")


def _ways_back(history: Sequence[ConfigEvent], commit: str) -> frozenset[str]:
    """The tags of what was deployed and does not run now."""
    return frozenset(event.tag for event in history if event.tag.startswith("deployed/") and event.sha != commit)
