"""Rows: what the hive keeps, in the form in which it shows them."""

from __future__ import annotations

from attrs import frozen

from hyperhive.wire.fields import Name, Names, Unsigned, absent, only_when_true, recipient, sender
from hyperhive.wire.states import (
    ApprovalKind,
    ApprovalStatus,
    MessageState,
    OperationKind,
    OperationState,
    QuestionStatus,
)
from hyperhive.wire.turns import Harness, Turn


@frozen(kw_only=True)
class InboxRow:
    """One message as its recipient sees it afterwards."""

    id: int
    sender: str = sender()
    body: str
    at: int
    in_reply_to: int | None = absent()
    via: str | None = absent()


@frozen(kw_only=True)
class Letter:
    """One message as `recv` with `max` hands it out."""

    id: int
    sender: str = sender()
    body: str
    at: int
    redelivered: bool
    in_reply_to: int | None = absent()
    via: str | None = absent()


@frozen(kw_only=True)
class MessageRow:
    """One message as the operator sees it. `attempts` counts the ones spent; `thread` is the message that began it."""

    id: int
    sender: str = sender()
    recipient: str = recipient()
    body: str
    at: int
    state: MessageState
    attempts: int
    in_reply_to: int | None = absent()
    via: str | None = absent()
    thread: int | None = absent()


@frozen(kw_only=True)
class Approval:
    """A request that waits for the operator's yes, or what came of it. `commit_ref` is empty but for a commit.

    `sha` is the commit that it was pinned to, `base` the one that ran when it was asked for or, once it was granted,
    then; `stale`: another runs now.
    """

    id: int
    agent: str
    kind: ApprovalKind = ApprovalKind.APPLY_COMMIT
    commit_ref: str
    requested_at: int
    status: ApprovalStatus
    resolved_at: int | None = absent()
    note: str | None = absent()
    decided_at: int | None = absent()
    decided_by: str | None = absent()
    operation: int | None = absent()
    description: str | None = absent()
    sha: str | None = absent()
    base: str | None = absent()
    requested_by: str | None = absent()
    stale: bool = only_when_true()


@frozen(kw_only=True)
class ConfigEvent:
    """One step in the history of an agent's configuration, as a tag in its repository tells it.

    `tag` is such as `deployed/3`, with the number of the approval; `text` what was said of it: by whom, or why.
    """

    tag: str
    sha: str
    at: int
    text: str


@frozen(kw_only=True)
class ConfigFile:
    """One file of a configuration; `text` with what is no UTF-8 replaced. `cut`: it goes on beyond what is shown."""

    path: str
    text: str
    cut: bool = only_when_true()


@frozen(kw_only=True)
class Question:
    """A question, and its answer once there is one. `to` is absent where the operator was asked."""

    id: int
    asker: str
    to: str | None = absent()
    question: str
    options: tuple[str, ...]
    multi: bool
    asked_at: int
    deadline_at: int | None = absent()
    status: QuestionStatus
    answer: str | None = absent()
    answered_at: int | None = absent()
    answered_by: str | None = absent()


@frozen(kw_only=True)
class Operation:
    """One piece of work on one agent."""

    id: int
    agent: str
    kind: OperationKind
    state: OperationState
    requested_by: str
    queued_at: int
    started_at: int | None = absent()
    ended_at: int | None = absent()
    error: str | None = absent()


@frozen(kw_only=True)
class AgentStatus:
    """One agent as it stands.

    `failed`: it stopped and nobody asked for that, `failure` says why; `operation` is under way; `in_hand`: so many
    messages are leased to it; `restart_at`: when it is started again by itself; `turn` is the one that it is in, and
    `harness` how its program says it stands.
    """

    name: str
    running: bool
    failed: bool
    needs_update: bool = False
    needs_login: bool = False
    paused: bool
    parent: str | None = absent()
    deployed_sha: str | None = absent()
    active_model: str | None = absent()
    status_text: str | None = absent()
    status_set_at: int | None = absent()
    url: str | None = absent()
    operation: int | None = absent()
    unread: Unsigned
    restarts: int
    since: int | None = absent()
    generation: int
    in_hand: int | None = absent()
    failure: str | None = absent()
    restart_at: int | None = absent()
    turn: int | None = absent()
    harness: Harness | None = absent()


@frozen(kw_only=True)
class OpenThread:
    """Something that an agent owes (`owes`) or is owed: a question, mail in hand, an approval, a reminder.

    `via` is that of a message.
    """

    direction: str
    kind: str
    id: int
    peer: str
    text: str
    since: int
    deadline_at: int | None = absent()
    via: str | None = absent()


@frozen(kw_only=True)
class Urls:
    """Where people reach the hive and its agents by browser."""

    domain: str | None = absent()
    home: str | None = absent()


@frozen(kw_only=True)
class Backend:
    """What agents run in: its `kind`, and whether it keeps even those that attack from the host and from each other.

    `blind` is why nothing can be started or stopped now, as a sentence; absent while it can.
    """

    kind: str
    isolates: bool
    blind: str | None = absent()


@frozen(kw_only=True)
class Console:
    """Where the operator's console is (`url`), or why there is none now (`off`), as a sentence."""

    url: str | None = absent()
    off: str | None = absent()


@frozen(kw_only=True)
class Session:
    """One browser that was let into the console: when, when it was last seen, until when at most, and from what."""

    id: int
    read_only: bool = only_when_true()
    opened_at: int
    seen_at: int
    until: int
    client: str


@frozen(kw_only=True)
class Scope:
    """Several agents at once, named one by one."""

    agent_names: Names


@frozen(kw_only=True)
class Change:
    """One change of one row. Exactly the field that `kind` names is set, to the row as its own verb shows it.

    `gone` says that the row is no longer there, and `name` or `id` which one it was.
    """

    kind: str
    message: MessageRow | None = absent()
    approval: Approval | None = absent()
    question: Question | None = absent()
    operation: Operation | None = absent()
    agent: AgentStatus | None = absent()
    turn: Turn | None = absent()
    gone: bool = only_when_true()
    id: int | None = absent()
    name: Name | None = absent()
