"""What the operator does to agents: one form for each deed, and the page that asks before an agent is taken down."""

from __future__ import annotations

from typing import Final
from urllib.parse import urlencode

from hyperhive.dashboard.agent_words import being
from hyperhive.dashboard.pages import agents
from hyperhive.dashboard.routes import Answer, Asked, Elsewhere, NotFound, Page, get, methods, post
from hyperhive.errors import Refused
from hyperhive.wire.names import OPERATOR, shown
from hyperhive.wire.states import OperationKind, OrderKind

KINDS: Final = {kind.value: kind for kind in OperationKind if kind.value in {"start", "stop", "restart", "rebuild"}}
PAUSES: Final = {"pause": True, "resume": False}
BREAKS_OFF: Final = {"stop", "restart", "rebuild"}
"""What ends a turn in the middle."""
SURE: Final = "sure"


@post("/agents")
async def spawn(asked: Asked) -> Answer:
    """Make and start a new agent, or bring back one of whom something is kept."""
    name = asked.said("name")
    if name is None:
        message = "an agent needs a name; type one"
        raise Refused(message)
    return await _begun(asked, name, OperationKind.SPAWN)


@post("/agents/<name>/operate")
async def operate(asked: Asked) -> Answer:
    """Start, stop, restart, rebuild; pause or resume."""
    name, what = asked.arguments["name"], asked.said("what") or ""
    if what in PAUSES:
        await asked.services.roster.set_paused(name, paused=PAUSES[what])
        done = "starts no new turn until it is resumed" if PAUSES[what] else "goes on with its mail"
        return Elsewhere(asked.back("/agents"), f"{name} {done}.")
    if what not in KINDS:
        message = f"there is no such deed as {shown(what)}; there are {', '.join((*KINDS, *PAUSES))}"
        raise Refused(message)
    if what in BREAKS_OFF and asked.said(SURE) is None and await _row(asked, name) is not None:
        return Elsewhere(f"/agents/{name}/sure?{urlencode({'what': what, 'back': asked.back('/agents')})}")
    return await _begun(asked, name, KINDS[what])


@get("/agents/<name>/sure")
async def ask_sure(asked: Asked) -> Answer:
    """Ask, once more, whether a turn is to be broken off, and say which; a page back where none is under way."""
    name, what, back = asked.arguments["name"], asked.wanted("what"), asked.wanted("back") or ""
    row = await _row(asked, name)
    if row is None or what not in BREAKS_OFF:
        return Elsewhere("/agents", f"{name} is in no turn any more; nothing was done.")
    context = {"name": name, "row": row, "what": what, "back": back if "GET" in methods(back) else "/agents"}
    return Page("sure.html", context)


@post("/agents/<name>/login")
async def login(asked: Asked) -> Answer:
    """Bring an agent's runner a token, or let it try again with the one it has. No answer shows anything of a token."""
    name, token = asked.arguments["name"], asked.said("login")
    await asked.services.harnesses.order(name, OrderKind.LOGIN, token=token)
    done = f"{name} has the token." if token else f"{name} tries again with what it has."
    return Elsewhere(asked.back(f"/agents/{name}"), done)


@get("/agents/<name>/destroy")
async def ask_destroy(asked: Asked) -> Answer:
    """Ask, once more, whether that agent, or what is kept of it, is to go."""
    name = asked.arguments["name"]
    here = name in await asked.services.roster.names()
    if not here and name not in [kept.name for kept in await asked.services.roster.kept()]:
        message = f"there is no agent {shown(name)}, and nothing is kept of one"
        raise NotFound(message)
    return Page("destroy.html", {"name": name, "here": here})


@post("/agents/<name>/destroy")
async def destroy(asked: Asked) -> Answer:
    """Take an agent down; what is kept of it stays."""
    return await _begun(asked, asked.arguments["name"], OperationKind.DESTROY)


@post("/agents/<name>/purge")
async def purge(asked: Asked) -> Answer:
    """Take an agent down, and all that is kept of it away; its name has to be typed for that."""
    name = asked.arguments["name"]
    if asked.said("typed") != name:
        message = f"nothing was purged: type the name '{name}', letter by letter, to say that you mean it"
        raise Refused(message)
    return await _begun(asked, name, OperationKind.DESTROY, flag=True)


async def _row(asked: Asked, name: str) -> agents.Row | None:
    """That agent with the turn that it is in; None where there is no such agent, or it is in none."""
    rows = await agents.rows(asked.services)
    return next((row for row in rows if row.status.name == name and row.under_way is not None), None)


async def _begun(asked: Asked, name: str, kind: OperationKind, *, flag: bool = False) -> Elsewhere:
    """Begin an operation; it goes on while the answer is shown."""
    lifecycle = asked.services.lifecycle
    id_ = await lifecycle.request(name, kind, OPERATOR, flag=flag)
    (operation,) = await lifecycle.rows([id_])
    return Elsewhere(asked.back("/agents"), f"{name} is {being(operation)} (operation {id_}).")
