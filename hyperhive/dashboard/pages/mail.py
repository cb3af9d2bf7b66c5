"""Mail: what flows, what was found in it, and what to do about what got stuck."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from enum import Enum
from typing import Any, Final, TypeVar
from urllib.parse import urlencode

from hyperhive.dashboard.letters import STATES, beginning
from hyperhive.dashboard.routes import Answer, Asked, Elsewhere, Page, get, post
from hyperhive.errors import Refused
from hyperhive.store.mail_search import MOST_COUNTED, MailKind, Wanted, terms_of
from hyperhive.wire.names import OPERATOR, shown
from hyperhive.wire.states import MessageState

ROWS: Final = 50
"""How many messages one page lists."""
FILTERS: Final = ("q", "agent", "to", "kind", "state", "since", "until")
YOURS: Final = {"to": OPERATOR, "kind": MailKind.MAIL.value}
"""The filters for what agents wrote to the operator; what the hive itself tells is in the whole flow."""

Choice = TypeVar("Choice", bound=Enum)


@get("/mail")
async def mail(asked: Asked) -> Answer:
    """The last messages, all or those that a search wants; and the conversations that are held."""
    given = {name: asked.wanted(name) or "" for name in FILTERS}
    try:
        wanted, before = _wanted(given), asked.number("before", "the number of a message")
    except Refused as refusal:
        return await _listed(asked, given, {"rows": (), "refusal": str(refusal), "before": None, "note": None}, 400)
    found = await asked.services.mailroom.find(wanted, before, ROWS)
    shown = {"rows": found.rows, "before": found.before, "note": found.note, "refusal": None}
    return await _listed(asked, given, shown)


async def _listed(asked: Asked, given: dict[str, str], shown: dict[str, Any], status: int = 200) -> Answer:
    filters = {name: value for name, value in given.items() if value}
    context = {
        **shown,
        "given": given,
        "filtered": bool(filters),
        "yours": filters == YOURS,
        "to_you": urlencode(YOURS),
        "to_you_count": await asked.services.mailroom.to_operator(),
        "most_counted": MOST_COUNTED,
        "later": urlencode({**filters, "before": shown["before"] or ""}),
        "earliest": asked.wanted("before") is None,
        "kinds": [kind.value for kind in MailKind],
        "states": {state.value: STATES[state][0] for state in MessageState},
        "names": await asked.services.roster.names(),
        "held": await asked.services.broker.held(),
        "standing": STATES,
        "beginning": beginning,
    }
    return Page("mail.html", context, status)


@post("/mail/held/<thread:int>/release")
async def release(asked: Asked) -> Answer:
    """Let a held conversation go on."""
    thread = int(asked.arguments["thread"])
    await asked.services.broker.release(thread)
    return Elsewhere(asked.back("/mail"), f"Conversation {thread} goes on.")


def _wanted(given: dict[str, str]) -> Wanted:
    """What the filters say. Raises Refused for one that is none, saying what would be."""
    return Wanted(
        terms=terms_of(given["q"]) if given["q"] else (),
        agent=given["agent"] or None,
        to=given["to"] or None,
        kind=_chosen(MailKind, given["kind"], "kind"),
        state=_chosen(MessageState, given["state"], "state"),
        since=_day(given["since"]),
        until=_day(given["until"], later=1),
    )


def _chosen(choices: type[Choice], value: str, what: str) -> Choice | None:
    if not value:
        return None
    try:
        return choices(value)
    except ValueError as error:
        known = ", ".join(choice.value for choice in choices)
        message = f"{shown(value)} is no {what} of mail; it must be one of {known}"
        raise Refused(message) from error


def _day(value: str, later: int = 0) -> int | None:
    """The unix time at which a day begins in UTC, or one `later` days after it."""
    if not value:
        return None
    try:
        day = datetime.strptime(value, "%Y-%m-%d").replace(tzinfo=UTC)
        return int((day + timedelta(days=later)).timestamp())
    except (ValueError, OverflowError) as error:
        message = f"{shown(value)} is no day; one is written as 2026-01-31"
        raise Refused(message) from error
