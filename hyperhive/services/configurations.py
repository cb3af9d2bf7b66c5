"""What each agent is made from: its repositories, and the plan that a commit in them comes to."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial

from attrs import define

from hyperhive import agent_toml
from hyperhive.agent_config import AgentConfig
from hyperhive.boundaries import IContainers, IRepositories, Plan
from hyperhive.errors import BadConfig, Refused, RepositoryError
from hyperhive.layout import Layout
from hyperhive.limits import MOST_SHOWN
from hyperhive.mounts import objection_to_mounts, objection_to_sharing
from hyperhive.services.broker import Broker
from hyperhive.store import agents, configs
from hyperhive.store.configs import Deployed
from hyperhive.store.database import Connection
from hyperhive.wire.records import ConfigEvent, ConfigFile


@define(eq=False)
class Configurations:
    """Turns commits into plans, and sees to it that every agent has one."""

    _broker: Broker
    _repositories: IRepositories
    _containers: IContainers
    _layout: Layout

    async def make(self, name: str) -> str:
        """Make what is missing of the agent's repositories; the commit that its next start is made from.

        Raises RepositoryError or ContainerError.
        """
        fresh = not self._layout.applied(name).exists()
        head = await self._repositories.make(name, await self._containers.writer())
        known = await self._broker.database.perform(self.reading(name))
        if known is None or fresh:
            change = partial(configs.deploy, name=name, commit=head, config=AgentConfig())
            await self._broker.database.perform(change)
            return head
        if known.commit != head:  # it did not follow when that was deployed
            await self._repositories.move(name, known.commit)
        return known.commit

    async def find(self, name: str) -> Deployed | None:
        """What the agent is made from, None for one from before configurations.

        Raises UnknownAgent for nobody in the hive who has no configuration to be spawned with either.
        """

        def reading(connection: Connection) -> Deployed | None:
            known = configs.found(connection, name)
            if known is None:
                agents.one(connection, name)
            return known

        return await self._broker.database.perform(reading)

    async def deployed(self, name: str) -> Deployed:
        """What the agent is made from. Raises UnknownAgent, or Refused for an agent that has no configuration."""
        known = await self.find(name)
        if known is None:
            message = f"there is no configuration of '{name}'; 'rebuild' makes one of an agent that has none yet"
            raise Refused(message)
        return known

    @staticmethod
    def reading(name: str) -> Callable[[Connection], Deployed | None]:
        """The change that reads what the agent is made from, None where it has no configuration."""
        return partial(configs.found, name=name)

    async def plan(self, name: str, commit: str) -> Plan:
        """How a start of the agent from that commit is to be made.

        Raises BadConfig for what no agent here can be made from, or RepositoryError.
        """
        files = await self._repositories.write_out(name, commit)
        try:
            content = (files / agent_toml.FILE).read_bytes()
        except OSError as error:
            message = f"{files / agent_toml.FILE} can't be read: {error.strerror}; take {files} away, and try again"
            raise RepositoryError(message) from error
        return Plan(config=self._understood(content), files=files)

    async def check(self, name: str, commit: str) -> None:
        """See whether the agent can be made from that commit, as far as can be known without doing it.

        Raises BadConfig with file and line, RepositoryError or ContainerError.
        """
        files = await self._repositories.read(name, commit)
        await self.check_sharing(name, self._understood(files[agent_toml.FILE]))
        wrong = await self._containers.fault(files)
        if wrong is not None:
            raise BadConfig(wrong)

    async def said(self, name: str, commit: str) -> AgentConfig:
        """What that commit of the agent's configuration says. Raises BadConfig or RepositoryError."""
        return agent_toml.parse((await self._repositories.read(name, commit))[agent_toml.FILE])

    async def check_sharing(self, name: str, config: AgentConfig) -> None:
        """Raises BadConfig if an agent could put something else in the place of what another is shown of the host."""
        shown = await self._broker.database.perform(configs.sources)
        shown.pop(name, None)
        wrong = objection_to_sharing(config.mounts, shown)
        if wrong is not None:
            message = f"{agent_toml.FILE}: {wrong}"
            raise BadConfig(message)

    def _understood(self, content: bytes) -> AgentConfig:
        config = agent_toml.parse(content)
        ours = (self._layout.state, self._layout.run)
        wrong = objection_to_mounts(config, ours) or self._containers.objection(config)
        if wrong is not None:
            message = f"{agent_toml.FILE}: {wrong}"
            raise BadConfig(message)
        return config

    async def remove(self, name: str) -> None:
        """Take the agent's applied repository away, and what was written out of it. Raises RepositoryError."""
        await self._repositories.remove(name)

    async def history(self, name: str) -> Sequence[ConfigEvent]:
        """What became of the agent's configuration, newest first. Raises Refused if it has none."""
        await self.deployed(name)
        return await self._repositories.history(name)

    async def files(self, name: str, ref: str | None) -> tuple[str, tuple[ConfigFile, ...]]:
        """A commit of the agent's configuration, what runs or what `ref` names, and its files.

        Raises Refused or RepositoryError.
        """
        known = await self.deployed(name)
        commit = known.commit if ref is None else await self._repositories.find(name, ref)
        return commit, tuple(_shown(await self._repositories.read(name, commit)))

    async def recall(self) -> None:
        """Let the broker know to whom every agent may write."""
        for name, rules in (await self._broker.database.perform(configs.mail_rules)).items():
            self._broker.obey(name, rules)


def _shown(files: Mapping[str, bytes]) -> Iterator[ConfigFile]:
    """The files as an answer has room for them, the configuration itself first."""
    room = MOST_SHOWN
    for path in sorted(files, key=lambda path: (path != agent_toml.FILE, path)):
        text = files[path].decode(errors="replace")
        yield ConfigFile(path=path, text=text[:room], cut=len(text) > room)
        room -= min(room, len(text))
