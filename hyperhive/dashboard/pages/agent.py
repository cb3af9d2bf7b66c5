"""One agent: what it does now, and what it may be told."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from hyperhive.dashboard import charts
from hyperhive.dashboard.agent_words import being, turn_state
from hyperhive.dashboard.charts import Chart
from hyperhive.dashboard.pages import agents
from hyperhive.dashboard.routes import Answer, Asked, Elsewhere, NotFound, Page, get, post
from hyperhive.dashboard.templating import count, money, span
from hyperhive.dashboard.turn_stream import entries
from hyperhive.errors import Refused
from hyperhive.store.agents import unknown
from hyperhive.wire.names import shown
from hyperhive.wire.states import OrderKind
from hyperhive.wire.turns import Turn

TAIL: Final = 200
"""How many of a turn's last events the page begins with."""
TURNS: Final = 30
MAIL: Final = 20

ORDERS: Final = {
    "cancel_turn": (OrderKind.CANCEL_TURN, "{name} has been told to end its turn; its mail is put back."),
    "compact": (OrderKind.COMPACT, "{name} shortens its context once it is between two turns."),
    "new_session": (OrderKind.NEW_SESSION, "{name} begins a new session with its next turn."),
    "set_model": (OrderKind.SET_MODEL, "{name} works with {model} from its next turn on."),
}


@get("/agents/<name>")
async def agent(asked: Asked) -> Answer:
    """The agent as it stands, with the stream of its last turn."""
    services, name = asked.services, asked.arguments["name"]
    row = next((row for row in await agents.rows(services) if row.status.name == name), None)
    if row is None:
        raise NotFound(unknown(name))
    turns = await services.turns.listed(name, TURNS, None)
    threads = await services.roster.open_threads(name)
    context: dict[str, Any] = {
        "row": row,
        "name": name,
        "being": being,
        "turn_state": turn_state,
        "turns": turns,
        "charts": _charts(turns),
        "mail": await services.broker.messages(name, MAIL, None),
        "questions": [thread for thread in threads if thread.kind == "question"],
        "turn": turns[0] if turns else None,
        "entries": (),
        "last": 0,
    }
    if turns:
        events = await services.turns.tail(turns[0].id, 1 if asked.part else TAIL)  # an open page asks for the rest
        context |= {"entries": entries(turns[0].id, events), "last": events[-1].seq if events else 0}
    return Page("agent.html", context)


@post("/agents/<name>/order")
async def order(asked: Asked) -> Answer:
    """Bring an order to the program inside the agent."""
    name, what, model = asked.arguments["name"], asked.said("what") or "", asked.said("model")
    if what not in ORDERS:
        message = f"there is no such order as {shown(what)}; there are {', '.join(ORDERS)}"
        raise Refused(message)
    kind, done = ORDERS[what]
    await asked.services.harnesses.order(name, kind, model=model if kind is OrderKind.SET_MODEL else None)
    said = done.format(name=name, model="the configured model" if model is None else model)
    return Elsewhere(f"/agents/{name}", said)


@get("/agents/<name>/log")
async def log(asked: Asked) -> Answer:
    """The last lines of what the agent's program printed."""
    name = asked.arguments["name"]
    if name not in await asked.services.roster.names():
        raise NotFound(unknown(name))
    return Page("agent_log.html", {"name": name, "lines": await asked.services.roster.log(name, 200)})


def _charts(turns: Sequence[Turn]) -> list[Chart]:
    """Tokens, duration and cost of those turns, old to new; what no turn said is left out."""
    ended = [turn for turn in reversed(turns) if turn.ended_at is not None]
    made = (
        charts.chart("Tokens", [(f"turn {turn.id}", _tokens(turn)) for turn in ended], count),
        charts.chart("Duration", [(f"turn {turn.id}", _seconds(turn)) for turn in ended], span),
        charts.chart("Cost", [(f"turn {turn.id}", turn.usage.cost_micros) for turn in ended], _dollars),
    )
    return [chart for chart in made if chart is not None]


def _tokens(turn: Turn) -> int | None:
    counted = [number for number in (turn.usage.input_tokens, turn.usage.output_tokens) if number is not None]
    return sum(counted) if counted else None


def _seconds(turn: Turn) -> float | None:
    if turn.usage.duration_ms is not None:
        return turn.usage.duration_ms / 1000
    return None if turn.ended_at is None else turn.ended_at - turn.started_at


def _dollars(micros: float) -> str:
    return money(int(micros))
