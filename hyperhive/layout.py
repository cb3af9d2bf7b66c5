"""Where a hive keeps its files: path arithmetic from one state and one run directory, nothing touched."""

from __future__ import annotations

from pathlib import Path

from attrs import frozen

from hyperhive.wire.names import MANAGER


@frozen(kw_only=True)
class Layout:
    """Every path of one hive.

    `state` survives a reboot (database, the agents' kept state), `run` does not (sockets).
    """

    state: Path
    run: Path

    @property
    def database(self) -> Path:
        """The SQLite file: mail, approvals, questions, operations, agents."""
        return self.state / "broker.sqlite"

    @property
    def lock(self) -> Path:
        """The file whose `flock` says that a daemon owns this state directory."""
        return self.state / "lock"

    @property
    def host_socket(self) -> Path:
        """The operator's socket."""
        return self.run / "host.sock"

    @property
    def image(self) -> Path:
        """The root tree that agents' containers start from, unless another one is configured."""
        return self.state / "image"

    @property
    def doors(self) -> Path:
        """The parent of every agent's socket directory, which nobody else may pass."""
        return self.run / "agents"

    def agent_socket(self, name: str) -> Path:
        """The socket of one agent; the manager's directory is a link to its own among the others."""
        return (self.run if name == MANAGER else self.doors) / name / "mcp.sock"

    def home(self, name: str) -> Path:
        """What is kept of one agent, destroyed or not, until it is purged."""
        return self.state / "agents" / name

    def notes(self, name: str) -> Path:
        """The agent's own durable directory, `HIVE_STATE_DIR` to it."""
        return self.home(name) / "state"

    def credentials(self, name: str) -> Path:
        """The agent's logins; nobody else's eyes."""
        return self.home(name) / "credentials"

    def config_link(self, name: str) -> Path:
        """A link to `proposed`, so that an agent's files can be found from its home."""
        return self.home(name) / "config"

    @property
    def proposals(self) -> Path:
        """The one parent of what the manager proposes, so that it gets all of that and nothing else."""
        return self.state / "proposed"

    def proposed(self, name: str) -> Path:
        """The configuration that the manager proposes for one agent."""
        return self.proposals / name

    @property
    def applications(self) -> Path:
        """The parent of what was approved."""
        return self.state / "applied"

    def applied(self, name: str) -> Path:
        """The configuration that was approved for one agent."""
        return self.applications / name

    def deployed(self, name: str) -> Path:
        """The parent of the written-out files of one agent's configurations, a directory a commit."""
        return self.state / "deployed" / name

    @property
    def runtimes(self) -> Path:
        """The parent of the backend's records."""
        return self.state / "runtime"

    def runtime(self, name: str) -> Path:
        """The backend's own records and logs of one agent."""
        return self.runtimes / name
