"""One message: all of it, its conversation, what became of it, and words in reply; and a new one."""

from __future__ import annotations

from typing import Final

from hyperhive.dashboard.letters import STATES, depths
from hyperhive.dashboard.routes import Answer, Asked, Elsewhere, NotFound, Page, get, post
from hyperhive.errors import Refused
from hyperhive.store.mail import Post
from hyperhive.wire.fields import BODY_BYTES
from hyperhive.wire.names import EVERYONE, OPERATOR, REMINDER, SYSTEM

LONG: Final = 2000
"""Characters beyond which a message of a conversation is folded."""


@get("/mail/<id:int>")
async def message(asked: Asked) -> Answer:
    """One message and its conversation."""
    try:
        opened = await asked.services.mailroom.open(int(asked.arguments["id"]))
    except Refused as missing:
        raise NotFound(str(missing)) from missing
    row = opened.message
    other = row.recipient if row.sender == OPERATOR else row.sender
    context = {
        "opened": opened,
        "message": row,
        "depths": depths(opened.thread),
        "standing": STATES,
        "answers_to": None if other in (SYSTEM, REMINDER, OPERATOR) else other,
        "long": LONG,
        "names": await asked.services.roster.names(),
    }
    return Page("message.html", context)


@get("/mail/new")
async def compose(asked: Asked) -> Answer:
    """A sheet to write on."""
    names = (*await asked.services.roster.names(), EVERYONE)
    context = {"names": names, "to": asked.wanted("to") or "", "in_reply_to": asked.wanted("in_reply_to") or ""}
    return Page("compose.html", context)


@post("/mail/new")
async def send(asked: Asked) -> Answer:
    """Send what was written."""
    to, body = asked.said("to"), asked.form.get("body", [""])[-1]
    if to is None:
        message = "nobody is named; 'to' is an agent of the hive, or '*' for everyone"
        raise Refused(message)
    if not body.strip():
        message = "the message is empty; it must say something"
        raise Refused(message)
    if len(body.encode(errors="replace")) > BODY_BYTES:
        message = f"the message is too long; at most {BODY_BYTES} bytes go into one"
        raise Refused(message)
    cause = asked.number("in_reply_to", "the number of a message")
    broker = asked.services.broker
    ids = await broker.send(Post(sender=OPERATOR, to=to, body=body, at=broker.now(), in_reply_to=cause))
    told = f"Message {ids[0]} is on its way to {to}." if len(ids) == 1 else f"{len(ids)} messages are on their way."
    back = f"/mail/{cause}" if cause is not None else f"/mail/{ids[0]}" if len(ids) == 1 else "/mail"
    return Elsewhere(asked.back(back), told)


@post("/mail/<id:int>/requeue")
async def requeue(asked: Asked) -> Answer:
    """Queue a dead letter again."""
    id_ = int(asked.arguments["id"])
    await asked.services.broker.revive(id_)
    return Elsewhere(asked.back(f"/mail/{id_}"), f"Message {id_} is queued again.")
