"""What an operator can agree to about one agent: its configuration, as `agent.toml` says it.

Every default changes nothing: an agent without a word in its file is what the daemon's own configuration makes of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from attrs import field, frozen

from hyperhive.wire.names import EVERYONE

HEALTH_SECONDS: Final = 60.0
OURS: Final = "HIVE_"
"""How the variables begin that only the hive sets."""
ASK: Final = "ask"
COMMAND, CLAUDE = RUNNERS = "command", "claude"


@frozen(kw_only=True)
class Runner:
    """What works on the agent's mail. None: what the daemon's configuration says.

    `tools` is what a `claude` may use of its own, as rules (None: what it needs to work); `turn_seconds` how long a
    turn may take.
    """

    kind: str | None = None
    command: tuple[str, ...] | None = None
    model: str | None = None
    tools: tuple[str, ...] | None = None
    turn_seconds: int | None = None


@frozen(kw_only=True)
class Limits:
    """What the agent's container may take: `memory` in bytes, `cpu` in percent of a processor, `tasks` a count."""

    memory: int | None = None
    cpu: int | None = None
    tasks: int | None = None


@frozen(kw_only=True)
class Mount:
    """A directory or file of the host that is shown to the agent at `target`."""

    source: Path
    target: Path
    writable: bool = False


@frozen(kw_only=True)
class Rate:
    """At most so many messages within so many seconds."""

    messages: int
    seconds: int


@frozen(kw_only=True)
class MailRules:
    """To whom the agent may write (None: everybody), and how often."""

    recipients: tuple[str, ...] | None = None
    rate: Rate | None = None

    def allows(self, to: str) -> bool:
        """Whether a message may go there. To everybody at once (`*`) only who may write to everybody."""
        return self.recipients is None or EVERYONE in self.recipients or to in self.recipients


@frozen(kw_only=True)
class Health:
    """A changed agent is healthy when, within `window` seconds, it speaks on its socket or `command` succeeds."""

    window: float = HEALTH_SECONDS
    command: tuple[str, ...] | None = None


@frozen(kw_only=True)
class AgentConfig:
    """One agent's configuration. None: what the daemon's configuration says.

    `network` and `restart` take the daemon's own words; `image` is a tree or a tarball for `nspawn`. `auto_update`:
    rebuilt by itself when what it was built from has changed (True), never (False), or once the operator agrees (ASK).
    """

    network: str | None = None
    restart: str | None = None
    auto_update: bool | str = True
    image: Path | None = None
    runner: Runner = Runner()
    environment: Mapping[str, str] = field(factory=dict)
    limits: Limits = Limits()
    mounts: tuple[Mount, ...] = ()
    mail: MailRules = MailRules()
    health: Health = Health()
