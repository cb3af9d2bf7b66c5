"""What the hive answers. Seed: `AgentResponse`, `ManagerResponse`, `HostResponse`."""

from __future__ import annotations

from attrs import frozen

from hyperhive.wire.fields import Unsigned, absent, only_when_true, sender
from hyperhive.wire.records import (
    AgentStatus,
    Approval,
    Backend,
    Change,
    ConfigEvent,
    ConfigFile,
    Console,
    InboxRow,
    Letter,
    MessageRow,
    OpenThread,
    Operation,
    Question,
    Session,
    Urls,
)
from hyperhive.wire.states import MessageState
from hyperhive.wire.turns import HeldThread, Order, Turn, TurnEvent

VERSION = 1


@frozen
class Ok:
    """Done. `id` (`ids` of a broadcast) of what was made, `count` of what was moved, `operation` that goes on.

    `kept`: the message leaves when the turn that it belongs to has ended well.
    """

    id: int | None = absent()
    ids: tuple[int, ...] | None = absent()
    count: int | None = absent()
    operation: int | None = absent()
    kept: bool = only_when_true()


@frozen
class Err:
    """Refused; the sentence says why."""

    message: str


@frozen(kw_only=True)
class Message:
    """One message, leased to the connection."""

    sender: str = sender()
    body: str
    id: int | None = absent()
    redelivered: bool = only_when_true()
    in_reply_to: int | None = absent()
    via: str | None = absent()


@frozen
class Messages:
    """Messages, leased to the agent; none if none came."""

    messages: tuple[Letter, ...]


@frozen
class Empty:
    """No message came."""


@frozen
class Status:
    """How many messages wait."""

    unread: Unsigned


@frozen
class Recent:
    """The last messages, newest first."""

    rows: tuple[InboxRow, ...]


@frozen
class QuestionQueued:
    """The question is on disk; its answer comes as an event."""

    id: int


@frozen
class Identity:
    """Who the asker is: `role` is `agent` or `manager`, `generation` the number of this start of it."""

    name: str
    role: str
    hive: str
    generation: int


@frozen
class OpenThreads:
    """What the asker owes and is owed."""

    rows: tuple[OpenThread, ...]


@frozen
class Receipt:
    """What became of a message: where it stands, the attempts that were spent on it, and since when that is so."""

    id: int
    state: MessageState
    attempts: int
    at: int


@frozen
class Orders:
    """What the operator wants; none if nothing came up in time."""

    orders: tuple[Order, ...]


@frozen
class List:
    """Every agent of the hive, running or not."""

    agents: tuple[str, ...]


@frozen
class Logs:
    """The last lines of an agent's output, oldest first."""

    log: tuple[str, ...]


AgentResponse = (
    Ok | Err | Message | Messages | Empty | Status | Recent | QuestionQueued | Identity | OpenThreads
    | Receipt | Orders
)  # fmt: skip
ManagerResponse = AgentResponse | List | Logs


@frozen(kw_only=True)
class HostResponse:
    """The operator's answer: `ok`, the sentence if not, and the one field that the verb brings."""

    version: int = VERSION
    ok: bool
    error: str | None = absent()
    agents: tuple[str, ...] | None = absent()
    approvals: tuple[Approval, ...] | None = absent()
    more: int | None = absent()
    id: int | None = absent()
    ids: tuple[int, ...] | None = absent()
    operation: int | None = absent()
    operations: tuple[Operation, ...] | None = absent()
    agent_statuses: tuple[AgentStatus, ...] | None = absent()
    backend: Backend | None = absent()
    questions: tuple[Question, ...] | None = absent()
    inbox: tuple[InboxRow, ...] | None = absent()
    messages: tuple[MessageRow, ...] | None = absent()
    log: tuple[str, ...] | None = absent()
    urls: Urls | None = absent()
    diff: str | None = absent()
    digest: str | None = absent()
    base: str | None = absent()
    sha: str | None = absent()
    config_log: tuple[ConfigEvent, ...] | None = absent()
    files: tuple[ConfigFile, ...] | None = absent()
    turns: tuple[Turn, ...] | None = absent()
    events: tuple[TurnEvent, ...] | None = absent()
    held: tuple[HeldThread, ...] | None = absent()
    link: str | None = absent()
    sessions: tuple[Session, ...] | None = absent()
    console: Console | None = absent()
    resync: bool = only_when_true()
    seq: int | None = absent()
    change: Change | None = absent()
