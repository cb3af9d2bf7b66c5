"""How much a request may make the daemon hold: what bounds the requests that are taken up ahead of their answers."""

from __future__ import annotations

from typing import Any, Final

from hyperhive.wire import agent_requests as agent
from hyperhive.wire import host_requests as host
from hyperhive.wire import host_turn_requests as host_turns
from hyperhive.wire import manager_requests as manager

MOST: Final = 256
"""What one connection may have under way. One request more is taken up even if it weighs more than what is left."""
_ONE_MESSAGE: Final = 4
_A_WHOLE_LINE: Final = 32

_WEIGHTS: Final[dict[type[Any], int]] = dict.fromkeys(
    (
        agent.Recent, agent.GetOpenThreads, manager.List, manager.GetLogs,
        host.Pending, host.AgentStatus, host.Questions, host.Inbox, host.Messages, host.DeadLetters,
        host.Operations, host.Logs, host.Diff, host.ConfigLog, host.ConfigShow, manager.RequestApplyCommit,
        host_turns.Turns, host_turns.TurnLog,
    ),
    _A_WHOLE_LINE,
)  # fmt: skip


def weight(request: Any) -> int:
    """What the answer to that request may weigh; a short one weighs 1."""
    if request.__class__ is agent.Recv:
        return _ONE_MESSAGE if request.max is None else _A_WHOLE_LINE
    return _WEIGHTS.get(request.__class__, 1)
