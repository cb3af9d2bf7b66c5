"""Events: the JSON bodies of messages from `system`. Seed: `HelperEvent`, whose own fields come first."""

from __future__ import annotations

from attrs import frozen

from hyperhive.wire.fields import absent
from hyperhive.wire.states import ApprovalStatus, Outcome


@frozen(kw_only=True)
class ApprovalResolved:
    """An approval ended, its action included. A cancelled one is `denied` with that `outcome`."""

    id: int
    agent: str
    commit_ref: str
    status: ApprovalStatus
    note: str | None = absent()
    outcome: Outcome | None = absent()
    sha: str | None = absent()


@frozen(kw_only=True)
class Spawned:
    """An agent was made and started, or that failed."""

    agent: str
    ok: bool
    note: str | None = absent()


@frozen(kw_only=True)
class Rebuilt:
    """An agent's configuration was applied, again or a new one (`sha`), or that failed."""

    agent: str
    ok: bool
    note: str | None = absent()
    sha: str | None = absent()


@frozen
class Killed:
    """An agent was stopped; its state is as it was."""

    agent: str


@frozen
class Destroyed:
    """An agent was taken down."""

    agent: str


@frozen(kw_only=True)
class ContainerCrash:
    """An agent stopped and nobody had asked for that; `note` says why, or that it can't be known.

    `restart_at`: when it is started again by itself, in unix seconds.
    """

    agent: str
    note: str | None = absent()
    restart_at: int | None = absent()


@frozen
class RestartGivenUp:
    """An agent that crashed again and again is no longer started again by itself; `note` says why it is down."""

    agent: str
    note: str


@frozen(kw_only=True)
class OperatorAnswered:
    """A question to the operator ended. `answer` is the seed's string; `outcome` says whether a person gave it."""

    id: int
    question: str
    answer: str
    outcome: Outcome | None = absent()
    answered_by: str | None = absent()


@frozen(kw_only=True)
class QuestionAsked:
    """Another agent asks you; answer with `answer`."""

    id: int
    asker: str
    question: str
    options: tuple[str, ...]
    multi: bool


@frozen(kw_only=True)
class QuestionAnswered:
    """A question to another agent ended."""

    id: int
    question: str
    answer: str
    answerer: str
    outcome: Outcome


@frozen
class ConfigReady:
    """The configuration repositories of an agent that is not in the hive yet are there."""

    agent: str


@frozen
class NeedsUpdate:
    """What an agent was built from has changed since, and it is not rebuilt by itself."""

    agent: str


@frozen(kw_only=True)
class Bounced:
    """A message of yours was given up."""

    id: int
    to: str
    reason: str


@frozen
class NeedsLogin:
    """An agent's runner is not logged in; its mail waits until the operator has logged it in."""

    agent: str


@frozen
class LoggedIn:
    """An agent's runner is logged in again, and goes on with its mail."""

    agent: str


@frozen(kw_only=True)
class TurnFailed:
    """A turn of an agent failed, `note` says why; its mail was put back, or given up where that was its last try."""

    agent: str
    turn: int
    note: str


@frozen(kw_only=True)
class Held:
    """The mail of that thread between those agents is held until the operator releases it; `note` says why and how."""

    thread: int
    agents: tuple[str, ...]
    note: str


HelperEvent = (
    ApprovalResolved | Spawned | Rebuilt | Killed | Destroyed | ContainerCrash | RestartGivenUp
    | OperatorAnswered | QuestionAsked | QuestionAnswered | Bounced | ConfigReady | NeedsUpdate
    | NeedsLogin | LoggedIn | TurnFailed | Held
)  # fmt: skip
