"""A hive of shell scripts: the `local` backend with real processes in a temporary directory."""

from __future__ import annotations

from typing import Any

from attrs import define, field

from hyperhive.containers.local import LocalContainers
from hyperhive.layout import Layout
from tests.containers.telling import Hints, Told

# The script of an agent that runs until it is ended.
FOREVER = "exec sleep 1000"


@define
class Hive:
    """Scripts by agent name, and as many backends as a test makes, one after the other."""

    reactor: Any
    layout: Layout
    scripts: dict[str, list[str]] = field(factory=dict)
    extra: dict[str, str] = field(factory=dict)
    _made: list[LocalContainers] = field(factory=list)
    _told: list[Told] = field(factory=list)

    def agent(self, name: str, script: str) -> Told:
        """An agent that runs the shell script, in which `tell WORDS` is heard by the test."""
        notes = self.layout.notes(name)
        notes.mkdir(parents=True)
        self.scripts[name] = ["/bin/sh", "-c", 'tell() { echo "$*" > "$HIVE_STATE_DIR/told"; }; ' + script]
        self._told.append(told := Told(self.reactor, notes / "told"))
        return told

    def backend(self, **options: Any) -> tuple[LocalContainers, Hints]:
        """A backend as a daemon has it after its start; the one before is closed."""
        for former in self._made:
            former.close()
        containers = LocalContainers(
            self.reactor, self.layout, self.scripts.__getitem__, self.extra, **{"grace": 5.0, **options}
        )
        containers.watch(hints := Hints())
        self._made.append(containers)
        return containers, hints

    async def end(self) -> None:
        """End every agent that a test left."""
        containers, _ = self.backend()
        for name in await containers.running():
            await containers.stop(name, graceful=False)
        containers.close()
        for told in self._told:
            told.close()
