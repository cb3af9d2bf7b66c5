"""Pictures of the console's pages, for people to look at."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from attrs import frozen

from tests.browser.desk import PHONE, WIDE
from tests.browser.lively import Lively

FOLDER: Final = Path(__file__).parent.parent.parent / "build" / "screenshots"


@frozen
class Look:
    """How a page is looked at: a name for the picture's file, the window's size, and the scheme of colours."""

    name: str
    size: tuple[int, int]
    scheme: Any


LOOKS: Final = (
    Look("light", WIDE, "light"),
    Look("dark", WIDE, "dark"),
    Look("phone", PHONE, "light"),
    Look("phone-dark", PHONE, "dark"),
)


def pages(lively: Lively) -> dict[str, str]:
    """Every page that there is something to see on: a name, and its path."""
    return {
        "home": "/",
        "agents": "/agents",
        "agent": "/agents/tester",
        "agent-done": "/agents/builder",
        "agent-crashed": "/agents/security",
        "approvals": "/approvals",
        "approval-change": f"/approvals/{lively.approvals['change']}",
        "approval-spawn": f"/approvals/{lively.approvals['spawn']}",
        "approval-denied": f"/approvals/{lively.approvals['denied']}",
        "questions": "/questions",
        "question": f"/questions/{lively.questions['tester']}",
        "mail": "/mail",
        "mail-search": "/mail?q=parser&kind=mail",
        "message": "/mail/35",
        "mail-new": "/mail/new",
        "ledger": "/ledger",
        "operations": "/operations",
        "settings": "/settings",
        "sure": "/agents/tester/sure?what=stop",
    }
