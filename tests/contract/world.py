"""A hive on one backend, seen from outside: its operator, its manager, and what is on the host of its agents."""

from __future__ import annotations

import itertools
import json
import os
import shlex
import sys
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, ClassVar

from tests.contract.program import command
from tests.daemon.client import Answer, Client, event
from tests.daemon.harness import Daemon, Hive, ends

GRACE = 2
SETTINGS = f'stop_grace = {GRACE}\n[agent]\nrunner_command = ["tr", "a-z", "A-Z"]\n'


class World(ABC):
    """One hive and the daemons that are started on it; the manager's inbox is read here alone, and kept."""

    backend: ClassVar[str]
    longest_name: ClassVar[int]
    notes: ClassVar[Mapping[str, str]]
    """What the manager reads of each way to crash, by the names in `test_crashes`."""

    def __init__(self, hive: Hive) -> None:
        self.hive = hive
        self.daemon: Daemon
        self.host: Client
        self.mail: dict[int, Answer] = {}
        self._manager: Client
        self._numbers = itertools.count(1)

    @abstractmethod
    def options(self) -> list[str]:
        """The options of the daemon."""

    @abstractmethod
    def leader(self, name: str) -> int:
        """The first process of the agent's container, as the host counts it."""

    @abstractmethod
    def program(self, name: str) -> int:
        """The process that is the agent's program."""

    @abstractmethod
    def state_inside(self, name: str) -> str:
        """Where the agent's program finds what is kept of it."""

    def remains(self, name: str) -> list[str]:
        """Everything that is on the host of an agent; nothing after it was purged."""
        layout = [self.hive.state / part / name for part in ("agents", "proposed", "applied", "runtime")]
        return [str(path) for path in (*layout, self.hive.run / "agents" / name) if path.exists()]

    def start(self) -> None:
        """Start a daemon, and connect to it."""
        self.daemon = self.hive.start_bare(*self.options())
        self.connect()

    def connect(self) -> None:
        """Connect to a daemon that is up."""
        self.host, self._manager = self.hive.host(), self.hive.manager()

    def kill_daemon(self) -> None:
        """SIGKILL."""
        self.daemon.kill()

    def new_name(self) -> str:
        """A name that no agent here had before, short enough for every backend."""
        return f"a{next(self._numbers)}"

    def ask(self, cmd: str, **fields: Any) -> Answer:
        """The answer to the operator, who is not refused."""
        answer = self.host.ask(cmd, **fields)
        assert answer["ok"], answer
        return answer

    def refusal(self, cmd: str, **fields: Any) -> str:
        """Why the operator is refused."""
        answer = self.host.ask(cmd, **fields)
        assert not answer["ok"], answer
        return str(answer["error"])

    def spawn(self) -> str:
        """A new agent that runs; its name."""
        name = self.new_name()
        self.ask("spawn", name=name)
        return name

    def order(self, name: str, do: str, **fields: Any) -> int:
        """Tell the agent's program what to do; the message's number."""
        return int(self.ask("send", to=name, body=json.dumps({"do": do, **fields}))["id"])

    def told(self, name: str, do: str, **fields: Any) -> Any:
        """What came of an order, as the agent's program tells the manager."""
        number = self.order(name, do, **fields)
        return json.loads(self.read_until(lambda row: row.get("in_reply_to") == number)["body"])

    def manager_sends(self, to: str, body: str) -> int:
        """The number of a message from the manager."""
        return int(self._manager.ask("send", to=to, body=body)["id"])

    def manager_runs(self, script: str) -> str:
        """What a shell script prints that the manager's program runs in its container; it must succeed."""
        self.ask("start", name="manager")
        fifos = [self.hive.state / "agents/manager/state" / name for name in ("script", "outcome")]
        for fifo in fifos:
            if not fifo.exists():
                os.mkfifo(fifo)
                fifo.chmod(0o666)  # the manager is another user
        fifos[0].write_text(script)
        status, printed = json.loads(fifos[1].read_text())
        assert status == 0, printed
        return str(printed)

    def manager_asks(self, cmd: str, **fields: Any) -> Answer:
        """The answer to the manager."""
        return self._manager.ask(cmd, **fields)

    def read_until(self, wanted: Callable[[Answer], bool]) -> Answer:
        """The first message to the manager that is so, of all that came and of all that come."""
        for row in list(self.mail.values()):
            if wanted(row):
                return row
        while True:
            row = self._manager.ask("recv", wait_seconds=20)
            assert row["kind"] == "message", "the manager got no such mail"
            # A daemon that was killed gives once more, marked, what it had not heard to be read.
            assert row["id"] not in self.mail or row["redelivered"]
            self.mail[row["id"]] = row
            if wanted(row):
                return row

    def events(self, name: str) -> list[Answer]:
        """What the manager was told of the agent so far."""
        found = [event(row) for row in self.mail.values() if row["from"] == "system"]
        return [it for it in found if it.get("agent") == name]

    def heard(self, name: str, kind: str) -> Answer:
        """The event of that kind about the agent; it is waited for."""

        def wanted(row: Answer) -> bool:
            return row["from"] == "system" and (event(row)["event"], event(row).get("agent")) == (kind, name)

        return event(self.read_until(wanted))

    def history(self, name: str, *, purge: bool = True) -> list[str]:
        """Destroy the agent; all that the manager was told of it, from the first to that.

        The daemon looks at an agent before it does something to it: an event that came twice would come before.
        """
        before = len(self.events(name))
        self.ask("destroy", name=name, purge=purge)
        self.read_until(lambda _: "destroyed" in [it["event"] for it in self.events(name)[before:]])
        if purge:
            left = self.remains(name)
            assert not left, left
        return [it["event"] for it in self.events(name)]

    def status(self, name: str) -> Answer:
        """The agent's row of `agent_status`."""
        (row,) = [row for row in self.ask("agent_status")["agent_statuses"] if row["name"] == name]
        return dict(row)

    def operations(self, name: str) -> list[Answer]:
        """All that was done to the agent, oldest first."""
        rows = self.ask("operations", all=True)["operations"]
        return [row for row in reversed(rows) if row["agent"] == name]

    def settled(self, name: str) -> list[Answer]:
        """All that was done to the agent, once nothing of it is under way."""
        with self.hive.host() as following:
            assert following.ask("subscribe")["ok"]
            while any(row["state"] in {"queued", "running"} for row in self.operations(name)):
                following.hear()
        return self.operations(name)

    def counts(self, name: str) -> tuple[bool, int, int]:
        """Whether the agent runs, which start of it that is, and how many restarts it has had."""
        row = self.status(name)
        return row["running"], row["generation"], row["restarts"]

    def end(self) -> None:
        """End everything."""
        self.hive.end()


class LocalWorld(World):
    """A hive on the `local` backend."""

    backend = "local"
    longest_name = 32
    notes: ClassVar[Mapping[str, str]] = {
        "its program ends well": "exited with status 0",
        "its program ends with status 3": "exited with status 3",
        "SIGKILL of its first process": "killed by SIGKILL",
        "SIGTERM of its program": "killed by SIGTERM",
    }

    def options(self) -> list[str]:
        config = self.hive.base / "hive.toml"
        config.write_text(SETTINGS)
        return [*self.hive.places(), "--config", str(config), *agent_command(command(sys.executable))]

    def leader(self, name: str) -> int:
        return self.hive.pid(name)

    def program(self, name: str) -> int:
        return self.hive.pid(name)

    def state_inside(self, name: str) -> str:
        return str(self.hive.state / "agents" / name / "state")

    def remains(self, name: str) -> list[str]:
        return super().remains(name) + [f"process {pid}" for pid in self._processes(name)]

    def _processes(self, name: str) -> list[int]:
        found = []
        for pid in self.hive.processes():
            with suppress(OSError):
                if f"HIVE_AGENT={name}\0".encode() in Path(f"/proc/{pid}/environ").read_bytes():
                    found.append(pid)
        return found


def agent_command(words: Sequence[str]) -> tuple[str, ...]:
    """The option that says what agents run."""
    return "--agent-command", shlex.join(words)


def kill(pid: int, number: int) -> None:
    """Send the signal, and return when that process has ended."""
    os.kill(pid, number)
    assert ends(pid)
