"""This daemon as a system that is measured: its agents without processes, its child process, its sockets."""

from __future__ import annotations

import json
import shutil
import sys
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
def hive(place: Workplace, state: Path, names: Sequence[str]) -> Iterator[Hive]:
    """A daemon on a state directory, with agents of these names whose sockets are open when the block begins."""
    layout = Layout(state=state, run=place.socket_directory("h"))
    has_rows = prepare_hive(state, names)
    first_sockets = [layout.host_socket] + [layout.agent_socket(name) for name in names if has_rows]
    command = [
        *(twistd(), "-n", "--pidfile=", "hyperhive", "--stop-agents"),
        *("--state-dir", str(state), "--run-dir", str(layout.run), "--agent-command", SLEEP),
    ]
    with child(command, place.directory("log"), partial(all_answer, first_sockets)) as process:
        if not has_rows:
            for name in names:
                ask_host(layout, {"cmd": "spawn", "name": name})
        yield Hive(System("hyperhive", process, partial(hyperhive_wire, layout.agent_socket)), layout)


def prepare_hive(_state: Path, _names: Sequence[str]) -> bool:
    """Write the rows of agents without processes before the daemon starts, as far as they are missing.

    Returns whether that is possible; where not, each agent has to be spawned, with a process of its own.
    """
    return False


def fill_old_rows(database: Path, rows: int) -> None:
    """Write so many messages that were delivered long ago, none of them old enough to be removed."""
    raise NotImplementedError


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


def all_answer(paths: Sequence[Path]) -> bool:
    """Whether somebody accepts connections at each of these sockets; asked from the last, which opens last."""
    return all(answers(path) for path in reversed(paths))
