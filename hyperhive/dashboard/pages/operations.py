"""Operations: what is done to agents and was, by whom, how long it took, and what came of it."""

from __future__ import annotations

from typing import Final

from hyperhive.dashboard.agent_words import being, operation_tone
from hyperhive.dashboard.routes import Answer, Asked, Page, get
from hyperhive.wire.records import Operation
from hyperhive.wire.states import OperationKind, OperationState

MOST: Final = 200
"""How many are shown."""


@get("/operations")
async def operations(asked: Asked) -> Answer:
    """The operations that the filter lets through, newest first."""
    text, kind, state, id_ = (asked.wanted(name) for name in ("text", "kind", "state", "id"))
    every = await asked.services.lifecycle.listed(ended=True)
    found = [row for row in every if _has(row, text, kind, state, id_)]
    return Page(
        "operations.html",
        {
            "rows": found[:MOST],
            "found": len(found),
            "every": len(every),
            "text": text or "",
            "kind": kind or "",
            "state": state or "",
            "id": id_ or "",
            "kinds": [one.value for one in OperationKind],
            "states": [one.value for one in OperationState],
            "being": being,
            "tone": operation_tone,
        },
    )


def _has(row: Operation, text: str | None, kind: str | None, state: str | None, id_: str | None) -> bool:
    """Whether a filter for those lets the operation through."""
    seen = (row.agent, row.requested_by, row.error or "")
    return (
        (text is None or any(text.lower() in one.lower() for one in seen))
        and kind in (None, row.kind.value)
        and state in (None, row.state.value)
        and id_ in (None, str(row.id))
    )
