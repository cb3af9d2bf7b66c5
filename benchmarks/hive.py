"""This daemon as a system that is measured: its agents without processes, its child process, its sockets."""

from __future__ import annotations

import json
import shutil
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from attrs import frozen

from benchmarks.errors import NotInstalled, UnexpectedAnswer
from benchmarks.load import connected
from benchmarks.servers import System, Workplace, answers, child
from benchmarks.wires import hyperhive_wire
from hyperhive.layout import Layout
from hyperhive.store import agents
from hyperhive.store.message_states import DONE
from hyperhive.store.schema import open_database

SLEEP = "sleep infinity"
"""The program of each agent that has to have one."""


@frozen
class Hive:
    """A running daemon: the system to put a load on, its process, and where its files are."""

    system: System
    layout: Layout

    @property
    def pid(self) -> int:
        return self.system.process.pid


@contextmanager
def hive(place: Workplace, state: Path, names: Sequence[str], *, dashboard: str = "off") -> Iterator[Hive]:
    """A daemon on a state directory, with agents of these names; their sockets are open: the host's opens last."""
    layout = Layout(state=state, run=place.socket_directory("h"))
    prepare_hive(state, names)
    command = [
        *(twistd(), "-n", "--pidfile=", "hyperhive", "--stop-agents"),
        *("--state-dir", str(state), "--run-dir", str(layout.run), "--agent-command", SLEEP),
        *("--dashboard", dashboard),
    ]
    with child(command, place.directory("log"), partial(answers, layout.host_socket)) as process:
        yield Hive(System("hyperhive", process, partial(hyperhive_wire, layout.agent_socket)), layout)


def prepare_hive(state: Path, names: Sequence[str]) -> None:
    """Write the rows of agents that have no process, as far as they are missing, before the daemon starts."""
    database = open_database(Layout(state=state, run=state).database)
    database.execute("BEGIN")
    database.executemany(
        "INSERT INTO agents (name, present, wanted) VALUES (?, 1, ?) ON CONFLICT DO NOTHING",
        [(name, agents.STOPPED) for name in names],
    )
    database.execute("COMMIT")
    database.close()


def fill_old_rows(path: Path, rows: int, names: Sequence[str], bodies: Sequence[str] = ("x" * 200,)) -> None:
    """Write so many messages that were delivered long ago, none of them old enough to be removed.

    Their bodies are those, in turn.
    """
    yesterday = int(time.time()) - 86400
    database = open_database(path)
    database.execute("BEGIN")
    database.executemany(
        """
        INSERT INTO messages (sender, recipient, body, sent_at, state, lease, generation, settled_at)
        VALUES (?, ?, ?, ?, ?, 1, 1, ?)
        """,
        (
            (
                *(names[row % len(names)], names[(row + 1) % len(names)], bodies[row % len(bodies)]),
                *(yesterday, DONE, yesterday),
            )
            for row in range(rows)
        ),
    )
    database.execute("COMMIT")
    database.close()


def pair_names(pairs: int) -> list[str]:
    """The agents of so many pairs."""
    return [f"{role}{pair}" for pair in range(pairs) for role in "sr"]


def ask_host(layout: Layout, request: dict[str, Any]) -> dict[str, Any]:
    """Ask the host socket one thing. Raises `UnexpectedAnswer` when it is refused."""
    with connected(layout.host_socket) as stream, stream.makefile("rwb") as lines:
        lines.write(json.dumps(request).encode() + b"\n")
        lines.flush()
        answer: dict[str, Any] = json.loads(lines.readline() or b"{}")
    if answer.get("ok") is not True:
        raise UnexpectedAnswer(f"the host socket refused {request['cmd']}: {answer.get('error', 'it closed')}")
    return answer


def twistd() -> str:
    """The `twistd` of the interpreter that runs this."""
    return script("twistd")


def script(name: str) -> str:
    """A console script of the interpreter that runs this. Raises `NotInstalled`."""
    found = shutil.which(name, path=str(Path(sys.executable).parent))
    if found is None:
        raise NotInstalled(f"{name} is not beside {sys.executable} (make venv).")
    return found
