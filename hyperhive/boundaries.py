"""What hyperhive needs from the world outside it: containers to run agents in, and doors for them to speak through."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from attrs import frozen
from twisted.internet.defer import Deferred
from zope.interface import Attribute, Interface


@frozen(kw_only=True)
class Running:
    """One agent that runs: which start of it (`generation`), since when (unix seconds), its leader's process id."""

    generation: int
    since: int
    pid: int


class IContainers(Interface):
    """A backend: what agents run in. Its refusals are `ContainerError`s whose sentence the operator reads."""

    kind = Attribute("`local`, `nspawn` or `nixos`")
    isolates = Attribute("whether even an agent that attacks is kept from the host and from other agents (bool)")
    blind = Attribute("why nothing can be started or stopped now, as a sentence, or None; ends are seen all the same")
    longest_name = Attribute("how many characters an agent's name may have (int)")

    def watch(hint: Callable[[], None]) -> None:
        """Begin to observe; call `hint` whenever some agent may have ended. The truth is `running()`."""

    def close() -> Deferred[None] | None:
        """Stop observing; touches no agent. A Deferred fires when nothing is left of it."""

    def owns(name: str, uid: int) -> bool:
        """Whether a process of that user of the host can be the agent's: the sockets' second look at who speaks."""

    async def running() -> Mapping[str, Running]:
        """Every agent that runs now, by name, as the backend itself sees it."""

    async def start(name: str, generation: int) -> None:
        """Start the agent; returns when its leader is up, and does nothing if this very generation runs already.

        Raises ContainerError.
        """

    async def stop(name: str, *, graceful: bool = True) -> None:
        """End the agent and all it started; returns when nothing of it runs, at once if it did not run.

        Raises ContainerError.
        """

    async def remove(name: str) -> None:
        """Take away what `start` left beside the agent's kept state: runtime records and logs."""

    async def cause(name: str, generation: int) -> str | None:
        """Why that start of the agent ended, such as `exited with status 3`; None if that can't be known."""

    async def log(name: str, lines: int) -> list[str]:
        """The last lines of the agent's output, oldest first, undecodable bytes replaced."""


class IDoors(Interface):
    """The agents' sockets, opened and closed as agents come and go."""

    async def open(name: str) -> None:
        """Listen on the agent's socket; does nothing if it is open. Raises DoorError."""

    async def close(name: str) -> None:
        """Stop listening, end the agent's conversations, and take the socket away."""
