"""What of the host an agent is shown: looked at when it is to be mounted, and never by a link."""

from __future__ import annotations

import os
from pathlib import Path

from hyperhive.agent_config import Mount
from hyperhive.boundaries import Plan
from hyperhive.containers.commands import IReactor, attempt
from hyperhive.errors import ContainerError
from hyperhive.layout import Layout
from hyperhive.mounts import objection_to_mounts

SECONDS = 10.0
"""How long a disk may take to say where a link leads: one that is away, as of a server that is gone, never does."""


async def check_sources(reactor: IReactor, layout: Layout, plan: Plan) -> None:
    """Raises ContainerError for a source that is not there, that a link leads to, or that is the hive's own."""
    for mount in plan.config.mounts:
        await _check(reactor, mount)
    wrong = objection_to_mounts(plan.config, (layout.state.resolve(), layout.run.resolve()))
    if wrong is not None:
        raise ContainerError(wrong)


async def _check(reactor: IReactor, mount: Mount) -> None:
    # Another program does it: it can be left alone where a disk holds it up, and the daemon goes on.
    words = ("realpath", "--canonicalize-existing", "--zero", "--", str(mount.source))
    looked = await attempt(reactor, *words, seconds=SECONDS)
    if not looked.succeeded:
        raise ContainerError(f"there is no {mount.source} to be mounted at {mount.target}; make it, or mount another")
    real = Path(os.fsdecode(looked.output.rstrip(b"\0")))
    if real != mount.source:
        raise ContainerError(
            f"{mount.source}, to be mounted at {mount.target}, is a link or lies behind one: what was agreed to is a "
            f"place and not what somebody lets it lead to; name {real}"
        )
