"""The `local` backend: agents as processes in sessions of their own, that outlive the daemon and are found again."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Mapping, Sequence
from typing import ClassVar

from attrs import define, field
from twisted.internet import defer
from zope.interface import implementer

from hyperhive import __version__
from hyperhive.agent_config import AgentConfig
from hyperhive.boundaries import Consumption, IContainers, Plan, Running
from hyperhive.containers import commands, consumption, local_plan, local_watch, pidfd
from hyperhive.containers.files import clear_away
from hyperhive.containers.keeping import KILL_SECONDS, START_SECONDS, Kept, Order, runtime_directory, start_keeper
from hyperhive.containers.local_watch import Keepers
from hyperhive.containers.plans import told
from hyperhive.containers.records import Run, forget_exit, read_cause, require_run
from hyperhive.containers.session import signal_session
from hyperhive.containers.tail import last_lines
from hyperhive.errors import ContainerError
from hyperhive.layout import Layout
from hyperhive.limits import LONGEST_NAME
from hyperhive.threads import in_thread


class IReactor(commands.IReactor, local_watch.IReactor):
    """What of a reactor this backend needs."""


@implementer(IContainers)
@define(eq=False)
class LocalContainers:
    """Runs each agent's command below a keeper of its own.

    `commands` gives an agent's program and arguments, `environment` is what is added to the daemon's own environment;
    `grace` is how many seconds lie between SIGTERM and SIGKILL; `soft_files` the soft limit of open files that agents
    get (None: the daemon's).
    """

    kind: ClassVar[str] = "local"
    isolates: ClassVar[bool] = False
    blind: ClassVar[None] = None
    longest_name: ClassVar[int] = LONGEST_NAME

    reactor: IReactor
    layout: Layout
    commands: Callable[[str], Sequence[str]]
    environment: Mapping[str, str] = field(factory=dict)
    grace: float = 10.0
    soft_files: int | None = None

    _keepers: Keepers = field(init=False)

    def __attrs_post_init__(self) -> None:
        self._keepers = Keepers(self.reactor, self.layout)

    def watch(self, hint: Callable[[], None]) -> None:
        """Begin to observe; call `hint` whenever some agent may have ended. The truth is `running()`."""
        self._keepers.watch(hint)

    def close(self) -> None:
        """Stop observing; touches no agent."""
        self._keepers.close()

    def owns(self, name: str, uid: int) -> bool:
        """Whether that is the user that agents run as here, which is our own."""
        return uid == os.geteuid()

    async def running(self) -> Mapping[str, Running]:
        """Every agent whose keeper is alive at this moment; no process list is read for it but the first time."""
        return await self._keepers.running()

    async def consumption(self) -> Mapping[str, Consumption]:
        """What the agents' sessions take; what an agent started in a session of its own is not counted."""
        return await in_thread(self.reactor, consumption.of_sessions, self._keepers.sessions())

    async def start(self, name: str, generation: int, plan: Plan) -> None:
        """Start the agent's command; returns when it runs, or does already in this generation.

        Raises ContainerError if it can't be run, or another generation of it runs.
        """
        kept = await self._keepers.alive(name)
        if kept is not None:
            if kept.run.generation == generation:
                return
            raise ContainerError(f"{name} runs already, as start {kept.run.generation}; stop it first")
        objection = self.objection(plan.config)
        if objection is not None:
            raise ContainerError(f"{name} could not be started: {objection}")
        self._keepers.keep(name, *await self._start(name, generation, plan))

    async def stop(self, name: str, *, graceful: bool = True) -> None:
        """End the agent's session: SIGTERM, and SIGKILL after `grace` seconds; returns when nothing of it is left.

        Raises ContainerError if something of it would not die.
        """
        kept = await self._keepers.alive(name)
        if kept is None:
            return
        # Someone may have suspended the keeper, which then would not notice that its leader ended.
        kept.keeper.send(signal.SIGCONT)
        if graceful and await self._ends(kept, self.grace, signal.SIGTERM, signal.SIGCONT):
            return
        if await self._ends(kept, KILL_SECONDS, signal.SIGKILL):
            return
        kept.keeper.send(signal.SIGKILL)
        if not await self._ends(kept, 2 * KILL_SECONDS, signal.SIGKILL):
            raise ContainerError(
                f"{name} is still there {KILL_SECONDS:.0f} seconds after SIGKILL; look at process {kept.run.leader}"
            )

    async def remove(self, name: str) -> None:
        """Take away the agent's runtime records and logs. Raises ContainerError if it runs."""
        if await self._keepers.alive(name) is not None:
            raise ContainerError(f"{name} runs; stop it first")
        await in_thread(self.reactor, clear_away, self.layout.runtime(name))

    async def cause(self, name: str, generation: int) -> str | None:
        """How that start of the agent ended; None if its keeper could not write it down, or a later start has ended."""
        return read_cause(self.layout.runtime(name), generation)

    async def log(self, name: str, lines: int) -> list[str]:
        """The last lines of the agent's output over all its starts, oldest first."""
        return await in_thread(self.reactor, last_lines, self.layout.runtime(name), lines)

    def objection(self, config: AgentConfig) -> str | None:
        """What of a configuration needs a container, as a sentence; None if nothing."""
        return local_plan.objection(config)

    async def fault(self, files: Mapping[str, bytes]) -> str | None:
        """Nothing: no file but `agent.toml` is read here."""
        return None

    async def prepare(self, name: str, plan: Plan) -> None:
        """Nothing is to be prepared."""

    async def origin(self, plan: Plan) -> str:
        """Our version: nothing else of ours is in an agent."""
        return f"hyperhive {__version__}"

    async def check(self, name: str, command: Sequence[str]) -> None:
        """Run the command beside the running agent, with its environment. Raises ContainerError if it fails."""
        kept = await self._keepers.alive(name)
        if kept is None:
            raise ContainerError(f"{name} does not run, and can't be checked")
        await local_plan.check(self.reactor, self.layout.notes(name), kept.run.leader, command)

    async def writer(self) -> tuple[int, int] | None:
        """Nobody but us: agents run as our own user."""
        return None

    async def _start(self, name: str, generation: int, plan: Plan) -> tuple[Run, int]:
        """A new start as its keeper recorded it, and a descriptor of the keeper; or no keeper at all."""
        runtime = runtime_directory(self.layout, name)
        forget_exit(runtime, generation)
        descriptor, up = start_keeper(self.reactor, self._order(name, generation, plan))
        try:
            await up.addTimeout(START_SECONDS, self.reactor)
            run = require_run(runtime, generation)
        except BaseException as why:
            pidfd.send(descriptor, signal.SIGKILL)
            os.close(descriptor)
            if isinstance(why, defer.TimeoutError):
                raise ContainerError(f"{name} did not come up within {START_SECONDS:.0f} seconds") from why
            raise
        return run, descriptor

    def _order(self, name: str, generation: int, plan: Plan) -> Order:
        command = self.commands(name)
        if not command:
            raise ContainerError(f"the command for {name} is empty; give it a program to run")
        return Order(
            layout=self.layout,
            name=name,
            generation=generation,
            command=command,
            environment=told(self.environment, plan, name, generation, local_plan.places(self.layout, name, plan)),
            soft_files=self.soft_files,
        )

    async def _ends(self, kept: Kept, seconds: float, *numbers: signal.Signals) -> bool:
        """Whether the agent is gone within that time after it got the signals. Raises ContainerError."""
        await in_thread(self.reactor, signal_session, kept.run.session, *numbers)
        try:
            survivors = await kept.when_gone().addTimeout(seconds, self.reactor)
        except defer.TimeoutError:
            return False
        if survivors:
            raise ContainerError(f"{kept.name} has ended, but these processes of it would not die: {survivors}")
        return True
