"""Starting one agent, within an operation: counted, by its configuration, and seen to be well where that is asked."""

from __future__ import annotations

from functools import partial
from typing import Final

from attrs import define
from twisted.internet.defer import Deferred, DeferredList
from twisted.internet.task import deferLater
from twisted.logger import Logger

from hyperhive.agent_config import Health
from hyperhive.boundaries import IContainers, Plan
from hyperhive.errors import ContainerError
from hyperhive.services.broker import Broker
from hyperhive.services.configurations import Configurations
from hyperhive.services.endings import Ended, Work, count_start
from hyperhive.services.leases import Leases
from hyperhive.services.pulse import Pulse
from hyperhive.services.writing import Interrupted, Writing
from hyperhive.store import operations
from hyperhive.wire.states import OperationKind

_log = Logger()

LOOK_AGAIN: Final = 0.2
"""Seconds between two looks at an agent that has not spoken yet: whether it still runs, and its own check."""
OFF: Final = frozenset({OperationKind.STOP, OperationKind.DESTROY})


@define(eq=False)
class Launches:
    """Stops and starts agents. Every step can be done twice to the same effect."""

    _broker: Broker
    _leases: Leases
    _containers: IContainers
    _pulse: Pulse
    _writing: Writing
    configurations: Configurations

    async def start(self, work: Work, ended: Ended, plan: Plan) -> int:
        """Start the agent by that plan, and note in `ended` which start that is; its number.

        Does nothing where that very start runs already. Raises ContainerError.
        """
        if work.start is None:
            ended.start = await self._count(work)
            self._pulse.begins(work.agent)
        else:
            ended.start = work.start
        start = ended.start
        self._broker.obey(work.agent, plan.config.mail)
        ended.origin = await self._origin(work.agent, plan)
        await self._containers.start(work.agent, start, plan)
        ended.came_up = True
        return start

    async def stop(self, work: Work, ended: Ended, *, graceful: bool = True) -> None:
        """Stop the agent, and note that in `ended`. Raises ContainerError."""
        await self._containers.stop(work.agent, graceful=graceful)
        ended.left = True

    async def becomes_healthy(self, name: str, start: int, health: Health) -> None:
        """Wait until that start of the agent is well.

        Raises ContainerError if it ends before, or the window does, or somebody asked to stop it; and Interrupted.
        """
        clock = self._broker.clock
        end = clock.seconds() + health.window
        while True:
            unwell = await self._unwell(name, health)
            if unwell is None:
                return
            await self._must_go_on(name, start)
            if clock.seconds() >= end:
                message = f"{unwell} within {health.window:g} seconds"
                raise ContainerError(message)
            await self._wait(name, min(LOOK_AGAIN, end - clock.seconds()), health)

    async def _must_go_on(self, name: str, start: int) -> None:
        """Raises if there is nothing to be waited for any more."""
        if self._writing.ending:
            raise Interrupted
        runs = (await self._containers.running()).get(name)
        if runs is None or runs.generation != start:
            cause = await self._containers.cause(name, start) or "how it ended can't be known"
            message = f"it did not stay up: {cause}"
            raise ContainerError(message)
        if await self._broker.database.perform(partial(operations.coming, agent=name)) in OFF:
            message = "it was to be stopped before it was seen to be well"
            raise ContainerError(message)

    async def _origin(self, name: str, plan: Plan) -> str | None:
        """What the start will be made from; None where that can't be known, which is no reason not to start."""
        try:
            return await self._containers.origin(plan)
        except ContainerError as error:
            _log.warn("what {name} is made from can't be known: {error}", name=name, error=error)
            return None

    async def _unwell(self, name: str, health: Health) -> str | None:
        """What is still to be waited for, as the beginning of a sentence; None if the agent is well."""
        if health.command is None:
            return None if self._pulse.spoken(name) else "it did not speak on its socket"
        try:
            await self._containers.check(name, health.command)
        except ContainerError as error:
            return f"its health check did not succeed ({error})"
        return None

    async def _wait(self, name: str, seconds: float, health: Health) -> None:
        """Wait so long, or until the agent speaks, where that is what makes it healthy."""
        waiting: list[Deferred[None]] = [deferLater(self._broker.clock, seconds)]
        if health.command is None:
            waiting.append(self._pulse.heard(name))
        await DeferredList(waiting, fireOnOneCallback=True, consumeErrors=True)
        for one in waiting:
            one.cancel()

    async def _count(self, work: Work) -> int:
        give_back = self._leases.stopping(work.agent, crashed=False)
        change = partial(count_start, work=work, give_back=give_back)
        start, given_back = await self._broker.database.perform(change)
        self._leases.given_back(work.agent, given_back)
        return start
