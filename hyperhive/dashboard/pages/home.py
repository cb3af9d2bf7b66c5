"""Home: what needs the operator, then who works on what, then the rest."""

from __future__ import annotations

from hyperhive.dashboard.routes import Answer, Asked, Page, get


@get("/")
async def home(asked: Asked) -> Answer:
    """What needs the operator."""
    return Page("home.html", {"agents": await asked.services.roster.statuses()})
