"""What the operator may ask on the host's socket. Seed: `HostRequest`."""

from __future__ import annotations

from attrs import frozen

from hyperhive.wire.agent_requests import Answer
from hyperhive.wire.fields import Body, Name, Text, Unsigned, absent
from hyperhive.wire.host_turn_requests import HostTurnRequest
from hyperhive.wire.manager_requests import Kill, List, RequestSpawn
from hyperhive.wire.records import Scope


@frozen
class Spawn:
    """Make and start an agent now, without an approval."""

    name: Name
    wait: bool | None = absent()


@frozen
class Destroy:
    """Take an agent down. Its kept state stays, unless `purge`."""

    name: Name
    purge: bool = False
    wait: bool | None = absent()


@frozen
class Rebuild:
    """Apply an agent's deployed configuration again and restart it."""

    name: Name
    wait: bool | None = absent()


@frozen
class Pending:
    """What waits for a decision; with `all` also what was decided."""

    all: bool | None = absent()


@frozen
class Approve:
    """Yes: what the approval asks for is done now. `digest` is that of the diff on which the yes rests."""

    id: int
    digest: Name | None = absent()


@frozen
class Diff:
    """What a commit changes: of what runs, or ran when it was decided, or of what `against` names."""

    id: int
    against: Name | None = absent()


@frozen
class Deny:
    """No, and why."""

    id: int
    note: Text | None = absent()


@frozen
class _Aimed:
    """At one agent (`name`), or at those of a scope: at exactly one of the two."""

    name: Name | None = absent()
    scope: Scope | None = absent()
    wait: bool | None = absent()

    def __attrs_post_init__(self) -> None:
        """Raises ValueError unless somebody is aimed at, in one way."""
        if (self.name is None) == (self.scope is None):
            message = "exactly one of 'name' and 'scope' must be given"
            raise ValueError(message)
        if self.scope is not None and not self.scope.agent_names:
            message = "'scope.agent_names' must name at least one agent"
            raise ValueError(message)

    @property
    def targets(self) -> tuple[str, ...]:
        """Who is aimed at, each once."""
        named = (self.name,) if self.name is not None else ()
        return named if self.scope is None else tuple(dict.fromkeys(self.scope.agent_names))


@frozen
class Start(_Aimed):
    """Start one agent, or those of a scope."""


@frozen
class Stop(_Aimed):
    """Stop one agent, or those of a scope. `graceful` false: at once."""

    graceful: bool | None = absent()


@frozen
class Restart(_Aimed):
    """Restart one agent, or those of a scope."""


@frozen
class AgentStatus:
    """How every agent stands."""


@frozen
class SetPaused:
    """Let an agent start nothing new, or let it go on."""

    name: Name
    paused: bool


@frozen
class Questions:
    """The open questions; with `all` the closed ones too."""

    all: bool | None = absent()


@frozen
class CancelQuestion:
    """Close a question without an answer."""

    id: int


@frozen
class Send:
    """Send a message as the operator."""

    to: Name
    body: Body
    in_reply_to: int | None = absent()


@frozen
class Inbox:
    """The last messages to the operator, newest first."""

    limit: Unsigned


@frozen
class Messages:
    """The last messages of the hive, newest first: of one `agent`, and older than the id `before`."""

    limit: Unsigned
    agent: Name | None = absent()
    before: int | None = absent()


@frozen
class DeadLetters:
    """The messages that were given up."""


@frozen
class Requeue:
    """Queue a dead letter again, its attempts forgotten."""

    id: int


@frozen
class Operations:
    """The operations under way; with `all` the ended ones too."""

    all: bool | None = absent()


@frozen
class Logs:
    """The last `lines` lines of an agent's output."""

    name: Name
    lines: Unsigned


@frozen
class ConfigLog:
    """What became of an agent's configuration, newest first."""

    name: Name


@frozen
class ConfigShow:
    """An agent's configuration: what runs, or what `ref` names."""

    name: Name
    ref: Name | None = absent()


@frozen
class Rollback:
    """Deploy what ran before, or what `ref` names, by the operator's own word."""

    name: Name
    ref: Name | None = absent()
    wait: bool | None = absent()


@frozen
class Subscribe:
    """Follow every change; with `since`, those after that number first."""

    since: Unsigned | None = absent()


@frozen
class SubscribeAgentStatus:
    """Follow the changes of the agents' status."""


@frozen
class ConsoleLink:
    """A link that opens the console once, within a minute; `read_only`: to look, and to decide nothing."""

    read_only: bool | None = absent()


@frozen
class Sessions:
    """The browsers that are let into the console."""


@frozen
class Revoke:
    """Let that browser into the console no more."""

    session: int


@frozen
class Urls:
    """Where people reach the hive by browser."""


HostRequest = (
    Spawn | RequestSpawn | Kill | Destroy | Rebuild | List | Pending | Approve | Deny
    | Start | Stop | Restart | AgentStatus | SetPaused | Questions | Answer | CancelQuestion
    | Send | Inbox | Messages | DeadLetters | Requeue | Operations | Logs
    | Diff | ConfigLog | ConfigShow | Rollback
    | Subscribe | SubscribeAgentStatus | Urls
    | HostTurnRequest | ConsoleLink | Sessions | Revoke
)  # fmt: skip
