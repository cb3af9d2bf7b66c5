"""The way in, and out: what to run, the button that a link leads to, and the one that ends the session."""

from __future__ import annotations

from hyperhive.dashboard.routes import Answer, Asked, Elsewhere, LetIn, Page, get, post


@get("/login")
async def login(asked: Asked) -> Answer:
    """What to run to be let in."""
    return Page("login.html", {"status": 200})


@get("/open")
async def open_(asked: Asked) -> Answer:
    """A button: a link that is merely looked at, as chats do, must not be used up by that."""
    return Page("open.html", {"word": asked.wanted("word") or ""})


@post("/open")
async def let_in(asked: Asked) -> Answer:
    """Begin a session by a link's word, which is used up by that."""
    return LetIn(await asked.services.sessions.open(asked.said("word") or "", asked.client))


@post("/leave")
async def leave(asked: Asked) -> Answer:
    """End this browser's session."""
    if asked.session is not None:
        await asked.services.sessions.revoke(asked.session.id)
    return Elsewhere("/login")
