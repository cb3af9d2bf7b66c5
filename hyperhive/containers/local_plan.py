"""What a plan comes to on the `local` backend, where an agent is a process of our own user among all others."""

from __future__ import annotations

import shlex
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from attrs import evolve
from twisted.internet.task import deferLater

from hyperhive.agent_config import AgentConfig
from hyperhive.boundaries import Plan
from hyperhive.containers import proc
from hyperhive.containers.commands import IReactor, attempt_as
from hyperhive.containers.plans import Places, unlike
from hyperhive.errors import ContainerError, brief
from hyperhive.layout import Layout
from hyperhive.limits import CHECK_SECONDS, HOST_NETWORK

LOOKS, LOOK_AGAIN_SECONDS = 100, 0.02
SLACK_SECONDS: Final = 2.0
"""What ending a check that took too long may take."""


def places(layout: Layout, name: str, plan: Plan) -> Places:
    """The hive's own directories: nothing is mounted."""
    return Places(
        socket=str(layout.agent_socket(name)),
        state=str(layout.notes(name)),
        credentials=str(layout.credentials(name)),
        config=str(plan.files or ""),
        agents=str(layout.proposals),
        applied=str(layout.applications),
    )


def objection(config: AgentConfig) -> str | None:
    """What of the configuration needs a container, as a sentence; None if nothing."""
    if config.network == HOST_NETWORK:  # which is the one that processes have
        config = evolve(config, network=None)
    why = "with containers 'local', which isolates nobody: leave it out, or run the hive on 'nspawn'"
    return unlike(config, ("limits", "mounts", "network", "image"), why)


async def check(reactor: IReactor, notes: Path, leader: int, command: Sequence[str]) -> None:
    """Run the command in that directory, with the environment of the agent whose command `leader` is.

    Raises ContainerError, saying why it did not succeed.
    """
    shown, begun = brief(shlex.join(command)), reactor.seconds()
    # It ends what the command has started as well.
    words = (shutil.which("timeout") or "timeout", "--signal=KILL", f"{CHECK_SECONDS:g}", *command)
    outcome = await attempt_as(
        reactor,
        *words,
        environment=await _environment(reactor, leader),
        directory=notes,
        seconds=CHECK_SECONDS + SLACK_SECONDS,
    )
    if outcome.succeeded:
        return
    if reactor.seconds() - begun >= CHECK_SECONDS:
        raise ContainerError(f"'{shown}' did not end within {CHECK_SECONDS:g} seconds: it was killed")
    raise ContainerError(f"'{shown}' failed: {outcome.complaint or 'it did not say why'}")


async def _environment(reactor: IReactor, leader: int) -> Mapping[bytes, bytes]:
    """The environment of that process; one that is just being executed shows none for a moment.

    Raises ContainerError if it has none.
    """
    for _ in range(LOOKS):
        found = proc.environment(leader)
        if found:
            return found
        await deferLater(reactor, LOOK_AGAIN_SECONDS)
    raise ContainerError(f"the environment of process {leader} can't be read")
