"""Questions: the open ones with what they need to be answered, and those that are closed with what became of them."""

from __future__ import annotations

from typing import Final

from hyperhive.dashboard.routes import Answer, Asked, Elsewhere, NotFound, Page, get, post
from hyperhive.errors import Refused
from hyperhive.wire.fields import TEXT_BYTES
from hyperhive.wire.names import OPERATOR
from hyperhive.wire.states import QuestionStatus

SHOWN: Final = 50
"""How many questions of a list are shown unless all are wanted."""
STATES: Final = {
    QuestionStatus.OPEN: ("open", "warn"),
    QuestionStatus.ANSWERED: ("answered", "ok"),
    QuestionStatus.EXPIRED: ("expired", "idle"),
    QuestionStatus.CANCELLED: ("cancelled", "idle"),
}
"""Each state's word, and its tone."""


@get("/questions")
async def questions(asked: Asked) -> Answer:
    """The open questions, those to the operator first, then those that were answered, expired or were cancelled."""
    open_ = await asked.services.questions.glances(closed=False)
    lists = {
        "mine": [row for row in open_ if row.to is None],
        "others": [row for row in open_ if row.to is not None],
        "closed": await asked.services.questions.glances(closed=True),
    }
    most = None if asked.wanted("all") is not None else SHOWN
    shown = {name: rows[:most] for name, rows in lists.items()}
    more = {name: len(rows) - len(shown[name]) for name, rows in lists.items()}
    names = await asked.services.roster.names()
    return Page("questions.html", {**shown, "more": more, "standing": STATES, "names": names})


@get("/questions/<id:int>")
async def question(asked: Asked) -> Answer:
    """One question, for good."""
    try:
        row = await asked.services.questions.one(int(asked.arguments["id"]))
    except Refused as missing:
        raise NotFound(str(missing)) from missing
    return Page("question.html", {"row": row, "standing": STATES, "names": await asked.services.roster.names()})


@post("/questions/<id:int>/answer")
async def answer(asked: Asked) -> Answer:
    """Answer by what was chosen, and by what was written beside it."""
    id_, text = int(asked.arguments["id"]), asked.said("text")
    choices = [choice for choice in asked.form.get("choice", ()) if choice]
    if text is not None and len(text.encode(errors="replace")) > TEXT_BYTES:
        message = f"the answer is too long; at most {TEXT_BYTES} bytes go into one"
        raise Refused(message)
    if not choices and text is None:
        message = f"the answer to question {id_} is empty; choose an option or write something"
        raise Refused(message)
    await asked.services.questions.answer(id_, OPERATOR, None, choices, text)
    return Elsewhere(asked.back("/questions"), f"Question {id_} is answered.")


@post("/questions/<id:int>/cancel")
async def cancel(asked: Asked) -> Answer:
    """Close a question without an answer."""
    id_ = int(asked.arguments["id"])
    await asked.services.questions.cancel(id_, OPERATOR)
    return Elsewhere(asked.back("/questions"), f"Question {id_} is cancelled; who asked is told.")
