"""Signs of life: who has spoken on its own socket since it was started."""

from __future__ import annotations

from collections.abc import Callable

from attrs import define, field
from twisted.internet.defer import Deferred, succeed


@define(eq=False)
class _Start:
    spoken: bool = False
    waiting: list[Deferred[None]] = field(factory=list)


@define(eq=False)
class Pulse:
    """Who has spoken, start by start. In memory: an agent that outlives its daemon speaks to the next one anew."""

    _starts: dict[str, _Start] = field(factory=dict, init=False)

    def begins(self, name: str) -> None:
        """The agent is about to be started: what connections of before still say does not count."""
        self._starts[name] = _Start()

    def voice(self, name: str) -> Callable[[], None]:
        """What a connection of the agent that begins now calls at each request."""
        start = self._start(name)

        def speak() -> None:
            if not start.spoken:
                start.spoken = True
                waiting, start.waiting = start.waiting, []
                for one in waiting:
                    one.callback(None)

        return speak

    def spoken(self, name: str) -> bool:
        """Whether the agent has spoken since its start."""
        return self._start(name).spoken

    def heard(self, name: str) -> Deferred[None]:
        """Fires once the agent has spoken since its start; cancelling it gives up waiting."""
        start = self._start(name)
        if start.spoken:
            return succeed(None)
        waiting: Deferred[None] = Deferred(start.waiting.remove)
        start.waiting.append(waiting)
        return waiting

    def _start(self, name: str) -> _Start:
        return self._starts.setdefault(name, _Start())
