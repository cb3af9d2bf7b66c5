"""What hyperhive needs from the world outside it: containers to run agents in, and doors for them to speak through."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from attrs import frozen
from twisted.internet.defer import Deferred
from zope.interface import Attribute, Interface

from hyperhive.agent_config import AgentConfig
from hyperhive.wire.records import ConfigEvent


@frozen(kw_only=True)
class Running:
    """One agent that runs: which start of it (`generation`), since when (unix seconds), its leader's process id."""

    generation: int
    since: int
    pid: int


@frozen(kw_only=True)
class Plan:
    """How an agent is to be started: its configuration, and where the files of its commit lie (None: nowhere)."""

    config: AgentConfig = AgentConfig()
    files: Path | None = None


@frozen(kw_only=True)
class Consumption:
    """What an agent takes of the host: bytes of memory now, and seconds of processor time since its start.

    None is what can't be known, and never a guess.
    """

    memory: int | None
    seconds: float | None


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

    async def consumption() -> Mapping[str, Consumption]:
        """What the agents that run take of the host, by name; who is missing can't be told of. All at once, as one look
        at the host serves for all. Raises ContainerError where nothing can be known.
        """

    async def start(name: str, generation: int, plan: Plan) -> None:
        """Start the agent by that plan; returns when its leader is up, and does nothing if this very generation runs.

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

    def objection(config: AgentConfig) -> str | None:
        """What of a configuration this backend can't hold an agent to, as a sentence that names it; None if nothing."""

    async def fault(files: Mapping[str, bytes]) -> str | None:
        """What of a commit's files this backend could not read, as a sentence with file and line; None if nothing.

        Raises ContainerError where that can't be known.
        """

    async def prepare(name: str, plan: Plan) -> None:
        """See that nothing is missing for a start by that plan, and do what takes long; what runs is left alone.

        Raises ContainerError.
        """

    async def origin(plan: Plan) -> str:
        """What a start by that plan would be made from now: as long as it is the same, a rebuild brings nothing new.

        Raises ContainerError where that can't be known.
        """

    async def check(name: str, command: Sequence[str]) -> None:
        """Run a command inside the running agent, as its user. Raises ContainerError, saying why it did not succeed."""

    async def writer() -> tuple[int, int] | None:
        """Whose the files are that the manager writes, as user and group on the host's disk; None: the daemon's own.

        Raises ContainerError.
        """


class IRepositories(Interface):
    """The agents' two repositories: `proposed`, which the manager writes and nobody here trusts, and `applied`, ours.

    Each raises RepositoryError, whose sentence the asker reads. Commits are named by all their 40 hex digits.
    """

    async def make(name: str, owner: tuple[int, int] | None) -> str:
        """Make what is missing of both, `proposed` for that user and group; the commit that `main` of `applied` is at.

        A new agent's is the default configuration, tagged `deployed/0`. What is there already is left alone.
        """

    async def take_in(name: str, ref: str) -> str:
        """Bring the commit that `ref` (4 to 40 hex digits) names in `proposed` into `applied`, and keep it there.

        Refuses a branch's or a tag's name, saying which commit it points to now, and what is not fit to be kept.
        """

    async def let_go(name: str, commit: str) -> None:
        """Keep a commit that was taken in no longer, unless a tag does; what only it needed is given up."""

    async def find(name: str, ref: str) -> str:
        """The commit in `applied` of that tag, `main`, or hex digits."""

    async def read(name: str, commit: str) -> Mapping[str, bytes]:
        """Every file of the commit by its path. Refuses links, submodules, odd names, and what is too large."""

    async def write_out(name: str, commit: str) -> Path:
        """The directory with the files of the commit, byte for byte; made whole or not at all."""

    async def diff(name: str, base: str, commit: str) -> str:
        """What changes between two commits in `applied`, as a unified diff with nothing hidden from it."""

    async def tag(name: str, tag: str, commit: str, message: str) -> None:
        """Tag the commit, with a message; does nothing where that tag is at that commit already."""

    async def move(name: str, commit: str) -> None:
        """Let `main` of `applied` be that commit, and keep no other's files but its own."""

    async def history(name: str, step: str | None = None) -> Sequence[ConfigEvent]:
        """What the tags of `applied` tell, newest first: all, or those of a step such as `deployed`."""

    async def remove(name: str) -> None:
        """Take `applied` away, and all that was written out of it, once nobody is at work there."""


class IDoors(Interface):
    """The agents' sockets, opened and closed as agents come and go."""

    async def open(name: str) -> None:
        """Listen on the agent's socket; does nothing if it is open. Raises DoorError."""

    async def close(name: str) -> None:
        """Stop listening, end the agent's conversations, and take the socket away."""
