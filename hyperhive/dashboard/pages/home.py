"""Home: what needs the operator, then who works on what, then the rest."""

from __future__ import annotations

from typing import Final

from hyperhive.dashboard.agent_words import being, state_of
from hyperhive.dashboard.happenings import brief
from hyperhive.dashboard.needs import look, needs, rest, why_quiet, works
from hyperhive.dashboard.routes import Answer, Asked, Elsewhere, Page, get, post
from hyperhive.errors import HiveError, Refused
from hyperhive.wire.names import OPERATOR
from hyperhive.wire.states import OperationKind, OrderKind

HOME: Final = "/"
SHOWN: Final = 50
"""How many things that need somebody are shown one by one."""


@get("/")
async def home(asked: Asked) -> Answer:
    """What needs the operator."""
    return await _home(asked)


async def _home(asked: Asked, refusal: str | None = None) -> Page:
    standing = await look(asked.services)
    found = needs(standing)
    context = {
        "waiting": found[:SHOWN],
        "needs": len(found),
        "works": works(standing),
        "rest": rest(standing),
        "quiet": why_quiet(standing),
        "last": standing.last,
        "state_of": state_of,
        "being": being,
        "brief": brief,
        "refusal": refusal,
    }
    return Page("home.html", context, 200 if refusal is None else 409)


@get("/needs")
async def count(asked: Asked) -> Answer:
    """What needs the operator and nothing else, for a title that counts and for notifications."""
    found = needs(await look(asked.services))
    return Page("needs.html", {"waiting": found[:SHOWN], "needs": len(found), "brief": brief})


@post("/home/approvals/<id:int>")
async def decide(asked: Asked) -> Answer:
    """Grant or refuse an approval, with a note."""
    id_, note = int(asked.arguments["id"]), asked.said("note")
    match asked.said("decision"):
        case "approve":
            operation = await asked.services.approvals.approve(id_, OPERATOR, note=note)
            return Elsewhere(HOME, f"Approval {id_} is granted; operation {operation} carries it out.")
        case "deny":
            await asked.services.approvals.deny(id_, note, OPERATOR)
            return Elsewhere(HOME, f"Approval {id_} is denied.")
    message = "'decision' must be 'approve' or 'deny'"
    raise Refused(message)


@post("/home/questions/<id:int>")
async def answer(asked: Asked) -> Answer:
    """Answer a question, by its options, in words, or both."""
    id_ = int(asked.arguments["id"])
    choices = tuple(asked.form.get("choice", ()))
    await asked.services.questions.answer(id_, OPERATOR, None, choices, asked.said("text"))
    return Elsewhere(HOME, f"Question {id_} is answered.")


@post("/home/agents/<name>/start")
async def start(asked: Asked) -> Answer:
    """Start an agent that stopped by itself."""
    name = asked.arguments["name"]
    operation = await asked.services.lifecycle.request(name, OperationKind.START, OPERATOR)
    return Elsewhere(HOME, f"{name} is being started (operation {operation}).")


@post("/home/agents/<name>/login")
async def login(asked: Asked) -> Answer:
    """Bring an agent's runner a token. A refusal shows nothing of it."""
    name, token = asked.arguments["name"], asked.said("login")
    try:
        await asked.services.harnesses.order(name, OrderKind.LOGIN, token=token)
    except HiveError as refusal:
        return await _home(asked, f"{name} has no token: {refusal}. Type it again.")
    return Elsewhere(HOME, f"{name} has the token." if token else f"{name} tries again with what it has.")


@post("/home/dead-letters/<id:int>/requeue")
async def requeue(asked: Asked) -> Answer:
    """Queue a dead letter again."""
    id_ = int(asked.arguments["id"])
    await asked.services.broker.revive(id_)
    return Elsewhere(HOME, f"Message {id_} is queued again.")


@post("/home/threads/<id:int>/release")
async def release(asked: Asked) -> Answer:
    """Let the mail of a held conversation go."""
    id_ = int(asked.arguments["id"])
    await asked.services.broker.release(id_)
    return Elsewhere(HOME, f"Conversation {id_} goes on.")
