"""The tools that the manager has besides, in the words that a model acts on."""

from __future__ import annotations

from typing import Final

from hyperhive.agent.tools.tool import Argument, Effect, Tool
from hyperhive.limits import MOST_LOG_LINES
from hyperhive.wire.manager_requests import (
    CancelApproval,
    GetLogs,
    Kill,
    List,
    RequestApplyCommit,
    RequestInitConfig,
    RequestSpawn,
    Restart,
    Start,
    Update,
)

_WHY: Final = Argument(about="What it is for, for the operator who decides.")
_NEW: Final = {
    "name": Argument(
        about="The new agent's name: a lower-case letter, then lower-case letters, digits or '-', at most 32."
    ),
    "description": _WHY,
}
_OPERATION: Final = {
    "name": Argument(about="The agent's name; not your own."),
    "wait": Argument(
        about="False: answer as soon as the wish is on disk, and do not wait until it is done. True if absent."
    ),
}
_DECIDED: Final = (
    " This only asks: it answers with the approval's number once that is on disk, and nothing is done until the"
    " operator says yes. What came of it comes later as mail from 'system', the event 'approval_resolved'."
)

LIST: Final = Tool(
    request=List, about="The names of all agents of the hive, running or not, yours included.", effect=Effect.SHOWS
)
REQUEST_SPAWN: Final = Tool(
    request=RequestSpawn,
    about=(
        "Ask the operator for a new agent, which is made and started after a yes." + _DECIDED
        + " The event 'spawned' tells whether it runs; mail can be sent to it from then on."
    ),
    effect=Effect.ADDS,
    arguments=_NEW,
)  # fmt: skip
REQUEST_INIT_CONFIG: Final = Tool(
    request=RequestInitConfig,
    about=(
        "Ask the operator for the configuration repositories of an agent that is not in the hive yet, to be filled"
        " before it is spawned." + _DECIDED + " The event 'config_ready' says that they are there."
    ),
    effect=Effect.ADDS,
    arguments=_NEW,
)
REQUEST_APPLY_COMMIT: Final = Tool(
    request=RequestApplyCommit,
    about=(
        "Ask the operator to let a commit of an agent's proposed configuration be deployed; the agent is restarted"
        " with it after a yes. The commit is pinned and checked now: what is wrong with it is said at once." + _DECIDED
    ),
    effect=Effect.ADDS,
    arguments={
        "agent": Argument(about="Whose configuration it is."),
        "commit_ref": Argument(about="The commit, by 4 to 40 hex digits of its name; a branch is refused."),
        "description": _WHY,
    },
)
CANCEL_APPROVAL: Final = Tool(
    request=CancelApproval,
    about="Withdraw something that you asked the operator for, as long as nobody has decided on it.",
    effect=Effect.ENDS,
    arguments={"id": Argument(about="The approval's number.")},
)
KILL: Final = Tool(
    request=Kill,
    about=(
        "Stop an agent. It is given a short time to end its turn; mail of a turn that is cut off is queued again."
        " Nothing of it is removed, and its mail waits until it is started. When this answers, it is stopped."
    ),
    effect=Effect.ENDS,
    arguments=_OPERATION,
)
START: Final = Tool(
    request=Start,
    about="Start an agent that is stopped. When this answers it runs; what it has to say comes as mail.",
    effect=Effect.SETS,
    arguments=_OPERATION,
)
RESTART: Final = Tool(
    request=Restart,
    about="Stop an agent and start it again, as kill and start do. When this answers, it runs again.",
    effect=Effect.ENDS,
    arguments=_OPERATION,
)
UPDATE: Final = Tool(
    request=Update,
    about=(
        "Make an agent anew from its deployed configuration and the current image, and restart it: what the event"
        " 'needs_update' asks for. It deploys nothing new. When this answers, it runs again."
    ),
    effect=Effect.ENDS,
    arguments=_OPERATION,
)
GET_LOGS: Final = Tool(
    request=GetLogs,
    about="The last lines of what an agent's program has printed, oldest first; running or not.",
    effect=Effect.SHOWS,
    arguments={
        "agent": Argument(about="Whose log it is."),
        "lines": Argument(about="How many lines.", least=1, most=MOST_LOG_LINES, default=100),
    },
)

MANAGER_TOOLS: Final = (
    LIST, REQUEST_SPAWN, REQUEST_INIT_CONFIG, REQUEST_APPLY_COMMIT, CANCEL_APPROVAL, KILL, START, RESTART, UPDATE,
    GET_LOGS,
)  # fmt: skip
