"""Home: what needs the operator, then who works on what, then the rest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from hyperhive.dashboard.agent_words import being, state_of
from hyperhive.dashboard.needs import look, needs, rest, why_quiet, works
from hyperhive.dashboard.routes import Answer, Asked, Page, get
from hyperhive.dashboard.services import Services
from hyperhive.wire.needs import Need
from hyperhive.wire.states import TurnOutcome
from hyperhive.wire.turns import Turn

SHOWN: Final = 50
"""How many things that need somebody are shown one by one."""


@get("/")
async def home(asked: Asked) -> Answer:
    """What needs the operator, who is at what, and the rest."""
    standing = await look(asked.services)
    found = needs(standing)
    context = {
        "waiting": found[:SHOWN],
        "interrupted": await _interrupted(asked.services, found[:SHOWN]),
        "needs": len(found),
        "works": works(standing),
        "rest": rest(standing),
        "quiet": why_quiet(standing),
        "last": standing.last,
        "state_of": state_of,
        "names": [agent.name for agent in standing.agents],
        "being": being,
    }
    return Page("home.html", context)


@get("/needs")
async def count(asked: Asked) -> Answer:
    """What needs the operator and nothing else, for a title that counts and for notifications."""
    found = needs(await look(asked.services))
    return Page("needs.html", {"waiting": found[:SHOWN], "needs": len(found)})


async def _interrupted(services: Services, shown: Sequence[Need]) -> Mapping[str, Turn]:
    """By the agents' names: the turns in the middle of which those crashed that are shown."""
    found = {}
    for need in shown:
        if need.kind == "failed":
            last = await services.turns.listed(need.row.name, 1, None)
            if last and last[0].outcome is TurnOutcome.INTERRUPTED and last[0].generation == need.row.generation:
                found[need.row.name] = last[0]
    return found
