"""What the parts of the turn loop need of the line to the daemon."""

from __future__ import annotations

from typing import Any, Protocol

from hyperhive.wire.manager_requests import ManagerRequest


class IAsk(Protocol):
    """Somebody who brings requests to the daemon, as `Link` does."""

    async def ask(self, request: ManagerRequest) -> Any:
        """The answer, however long the daemon is away. Raises Refused and WireError."""
