"""What the files of lines by example share; `golden` puts them together."""

from __future__ import annotations

from typing import Any

from hyperhive.wire import responses
from hyperhive.wire.records import InboxRow

Lines = tuple[tuple[str, Any], ...]

ROW = InboxRow(id=1, sender="bob", body="hi", at=1700000000)
ROW_LINE = '{"id":1,"from":"bob","body":"hi","at":1700000000}'


def answer(**fields: Any) -> responses.HostResponse:
    """What the host socket answers when all is well."""
    return responses.HostResponse(ok=True, **fields)
