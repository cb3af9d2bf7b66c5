"""The way in: what to run, and the button that a link leads to."""

from __future__ import annotations

from hyperhive.dashboard.routes import Answer, Asked, LetIn, Page, get, post


@get("/login")
async def login(asked: Asked) -> Answer:
    """What to run to be let in."""
    return Page("login.html")


@get("/open")
async def open_(asked: Asked) -> Answer:
    """A button: a link that is merely looked at, as chats do, must not be used up by that."""
    return Page("open.html", {"word": asked.wanted("word") or ""})


@post("/open")
async def let_in(asked: Asked) -> Answer:
    """Begin a session by a link's word, which is used up by that."""
    return LetIn(await asked.services.sessions.open(asked.said("word") or "", asked.client))
