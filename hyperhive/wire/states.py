"""Where things stand, and what they are: the words of which exactly one holds."""

from __future__ import annotations

from enum import Enum


class ApprovalKind(Enum):
    """What an approval starts when it is granted. The seed knows the first two."""

    APPLY_COMMIT = "apply_commit"
    SPAWN = "spawn"
    INIT_CONFIG = "init_config"
    UPDATE = "update"


class ApprovalStatus(Enum):
    """Where an approval stands; the seed knows all but `cancelled`, which only `pending` with `all` shows."""

    PENDING = "pending"
    APPROVED = "approved"
    DENIED = "denied"
    FAILED = "failed"
    CANCELLED = "cancelled"


class OperationKind(Enum):
    """What can be done to an agent."""

    SPAWN = "spawn"
    START = "start"
    STOP = "stop"
    RESTART = "restart"
    REBUILD = "rebuild"
    DESTROY = "destroy"
    INIT_CONFIG = "init_config"
    DEPLOY = "deploy"


class OperationState(Enum):
    """Where an operation stands. `unknown`: the daemon died in it, and what came of it can't be told."""

    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    UNKNOWN = "unknown"


class Outcome(Enum):
    """How a question ended; tells `[expired]` from a person who typed those words."""

    ANSWERED = "answered"
    EXPIRED = "expired"
    CANCELLED = "cancelled"


class QuestionStatus(Enum):
    """Where a question stands."""

    OPEN = "open"
    ANSWERED = "answered"
    EXPIRED = "expired"
    CANCELLED = "cancelled"


class MessageState(Enum):
    """Where a message stands. A dead letter has spent its attempts, or its recipient is gone for good.

    A held one belongs to a conversation between agents that went round too often, and waits for the operator.
    """

    QUEUED = "queued"
    LEASED = "leased"
    DONE = "done"
    DEAD = "dead"
    HELD = "held"


class TurnOutcome(Enum):
    """How a turn ended; all but `done` put its mail back. `limited`: the provider takes no more for now."""

    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"
    LIMITED = "limited"
    NEEDS_LOGIN = "needs_login"
    INTERRUPTED = "interrupted"


class HarnessState(Enum):
    """How the program inside an agent stands; `waiting` after a failure, for a while."""

    READY = "ready"
    WAITING = "waiting"
    LIMITED = "limited"
    NEEDS_LOGIN = "needs_login"


class OrderKind(Enum):
    """What can be wanted of the program inside an agent."""

    CANCEL_TURN = "cancel_turn"
    COMPACT = "compact"
    NEW_SESSION = "new_session"
    SET_MODEL = "set_model"
    LOGIN = "login"
