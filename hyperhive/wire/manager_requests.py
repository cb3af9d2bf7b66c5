"""What only the manager may ask, beside all that an agent may. Seed: `ManagerRequest`."""

from __future__ import annotations

from attrs import frozen

from hyperhive.wire.agent_requests import AgentRequest
from hyperhive.wire.fields import Name, Text, Unsigned, absent


@frozen
class RequestSpawn:
    """Ask the operator for a new agent."""

    name: Name
    description: Text | None = absent()


@frozen
class Kill:
    """Stop an agent. `wait` false: answer as soon as that is on disk."""

    name: Name
    wait: bool | None = absent()


@frozen
class Start:
    """Start a stopped agent."""

    name: Name
    wait: bool | None = absent()


@frozen
class Restart:
    """Stop an agent and start it again."""

    name: Name
    wait: bool | None = absent()


@frozen
class Update:
    """Apply an agent's deployed configuration again and restart it."""

    name: Name
    wait: bool | None = absent()


@frozen
class RequestApplyCommit:
    """Ask the operator to let a configuration commit be deployed. `commit_ref` is 4 to 40 hex digits."""

    agent: Name
    commit_ref: Name
    description: Text | None = absent()


@frozen
class RequestInitConfig:
    """Ask the operator for the configuration repositories of a new agent, which is not started."""

    name: Name
    description: Text | None = absent()


@frozen
class CancelApproval:
    """Withdraw an approval that I asked for and nobody decided."""

    id: int


@frozen
class GetLogs:
    """The last `lines` lines of an agent's output."""

    agent: Name
    lines: Unsigned


@frozen
class List:
    """Every agent of the hive."""


ManagerRequest = (
    AgentRequest | RequestSpawn | Kill | Start | Restart | Update
    | RequestApplyCommit | RequestInitConfig | CancelApproval | GetLogs | List
)  # fmt: skip
