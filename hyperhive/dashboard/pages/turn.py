"""One turn, for good; and the part of its stream that an open page lacks."""

from __future__ import annotations

from hyperhive.dashboard.agent_words import turn_state
from hyperhive.dashboard.routes import Answer, Asked, NotFound, Page, get
from hyperhive.dashboard.turn_stream import entries
from hyperhive.errors import Refused
from hyperhive.wire.names import shown
from hyperhive.wire.turns import Turn, TurnEvent


@get("/agents/<name>/turns/<id:int>")
async def turn(asked: Asked) -> Answer:
    """A turn: what it was about, what its runner wrote from `after` on, how it ended, and what it took."""
    found, events = await _read(asked, int(asked.arguments["id"]))
    last = events[-1].seq if events else 0
    after = await asked.services.turns.tail(found.id, 1)
    return Page(
        "turn.html",
        {
            "name": found.agent,
            "turn": found,
            "state": turn_state(found),
            "mail": await asked.services.turns.about(found),
            "entries": entries(found.id, events),
            "last": last,
            "more": bool(after) and after[-1].seq > last,
            "from_start": _after(asked) == 0,
        },
    )


@get("/agents/<name>/stream")
async def stream(asked: Asked) -> Answer:
    """What of the turn `turn` came after the event `after`, without a page around it."""
    wanted = asked.number("turn", "the number of a turn")
    if wanted is None:
        message = "'turn' must be the number of a turn"
        raise NotFound(message)
    found, events = await _read(asked, wanted)
    last = events[-1].seq if events else _after(asked)
    return Page(
        "stream.html", {"turn": found, "entries": entries(found.id, events), "last": last, "begins": _after(asked) == 0}
    )


async def _read(asked: Asked, id_: int) -> tuple[Turn, tuple[TurnEvent, ...]]:
    name, after = asked.arguments["name"], _after(asked)
    try:
        found, events = await asked.services.turns.log(id_, after)
    except Refused as refusal:
        raise NotFound(str(refusal)) from refusal
    if found.agent != name:
        message = f"turn {id_} is none of {shown(name)}"
        raise NotFound(message)
    return found, events


def _after(asked: Asked) -> int:
    return asked.number("after", "the number of an event") or 0
