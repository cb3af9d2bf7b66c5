"""Agents: a row for each, what is kept of those that are gone, and a form for a new one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from attrs import frozen

from hyperhive.dashboard.agent_words import State, being, last_tool, state_of, subject_of
from hyperhive.dashboard.routes import Answer, Asked, Page, get
from hyperhive.dashboard.services import Services
from hyperhive.services.lifecycle import NAME_RULES
from hyperhive.store.turn_views import Glance, Spent
from hyperhive.wire.records import AgentStatus, Operation

WORDS_OF_STATES = ("working", "running", "waiting", "limited", "needs login", "paused", "stopped", "failed")


@frozen(kw_only=True)
class Row:
    """One agent as the list shows it."""

    status: AgentStatus
    state: State
    glance: Glance | None
    tool: str | None
    subject: str | None
    operation: Operation | None
    spent: Spent | None

    def has(self, text: str | None, state: str | None) -> bool:
        """Whether a filter for that text, and for that word of a state, lets it through."""
        seen = (self.status.name, self.status.status_text, self.status.active_model, self.subject, self.state.word)
        if text is not None and not any(text.lower() in one.lower() for one in seen if one):
            return False
        return state is None or state in self.state.word


@get("/agents")
async def agents(asked: Asked) -> Answer:
    """Every agent that the filter lets through."""
    services = asked.services
    text, state = asked.wanted("text"), asked.wanted("state")
    every = await rows(services)
    kept = await services.roster.kept()
    return Page(
        "agents.html",
        {
            "rows": [row for row in every if row.has(text, state)],
            "every": len(every),
            "text": text or "",
            "state": state or "",
            "states": WORDS_OF_STATES,
            "kept": kept,
            "kept_operations": await operations_by_id(services, (one.operation for one in kept)),
            "name_rules": NAME_RULES.format(longest=services.lifecycle.longest_name),
            "longest_name": services.lifecycle.longest_name,
            "backend": services.roster.backend,
            "being": being,
        },
    )


async def rows(services: Services) -> list[Row]:
    """Every agent, by name."""
    statuses = await services.roster.statuses()
    operations = await operations_by_id(services, (status.operation for status in statuses))
    glances, spent = await services.turns.glances(), await services.turns.spent_today()
    return [_row(status, operations, glances.get(status.name), spent.get(status.name)) for status in statuses]


async def operations_by_id(services: Services, ids: Iterable[int | None]) -> Mapping[int, Operation]:
    """Those operations as they stand."""
    found = await services.lifecycle.rows([id_ for id_ in ids if id_ is not None])
    return {operation.id: operation for operation in found}


def _row(
    status: AgentStatus, operations: Mapping[int, Operation], glance: Glance | None, spent: Spent | None
) -> Row:  # fmt: skip
    return Row(
        status=status,
        state=state_of(status),
        glance=glance,
        tool=None if glance is None else last_tool(glance),
        subject=None if glance is None else subject_of(glance),
        operation=None if status.operation is None else operations.get(status.operation),
        spent=spent,
    )
