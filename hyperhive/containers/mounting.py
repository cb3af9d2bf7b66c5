"""What of the host an agent in a machine is shown: which places, and that no link leads to another than was meant."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from attrs import frozen

from hyperhive.agent_config import Mount
from hyperhive.boundaries import Plan
from hyperhive.containers.commands import IReactor, attempt
from hyperhive.containers.plans import IN_A_MACHINE
from hyperhive.errors import ContainerError
from hyperhive.layout import Layout
from hyperhive.mounts import objection_to_mounts
from hyperhive.wire.names import MANAGER

SECONDS = 10.0
"""How long a disk may take to say where a link leads: one that is away, as of a server that is gone, never does."""


@frozen(kw_only=True)
class Bind:
    """One place of the host's, and where in the machine it is. `mapped`: owned inside by who owns it on the host."""

    source: Path
    target: Path
    writable: bool = False
    mapped: bool = True


def shown(layout: Layout, name: str, plan: Plan, home: str) -> Iterator[Bind]:
    """All that the agent is shown of the host; `home` is its user's."""
    inside = IN_A_MACHINE
    # Its socket's directory is root's and read-only: the daemon makes sockets nowhere where an agent can write.
    yield Bind(source=layout.agent_socket(name).parent, target=Path(inside.socket).parent, mapped=False)
    yield Bind(source=layout.notes(name), target=Path(inside.state), writable=True)
    yield Bind(source=layout.credentials(name), target=Path(home), writable=True)
    if name == MANAGER:
        yield Bind(source=layout.proposals, target=Path(inside.agents), writable=True)
        yield Bind(source=layout.applications, target=Path(inside.applied))
    if plan.files is not None:
        yield Bind(source=plan.files, target=Path(inside.config))
    for mount in plan.config.mounts:
        yield Bind(source=mount.source, target=mount.target, writable=mount.writable)


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
