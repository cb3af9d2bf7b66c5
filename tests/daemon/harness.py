"""The real daemon: `twistd` as a process of its own, and its agents.

Whatever is started here is ended by `Hive.end`, agents included, and no daemon may have logged a traceback.
"""

from __future__ import annotations

import json
import os
import select
import shlex
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from tests.daemon.client import PATIENCE, Answer, Client

TWISTD = str(Path(sys.executable).with_name("twistd"))
HIVECTL = str(Path(sys.executable).with_name("hivectl"))
IS_UP = "the hive is up"


class Hive:
    """One hive's directories below `base`, and the daemons that are started on them one after the other."""

    def __init__(self, base: Path) -> None:
        self.base = base
        self.state = base / "state"
        self.run = base / "run"
        self.daemons: list[Daemon] = []
        self._clients: list[Client] = []

    def start(self, *options: str, program: str = "") -> Daemon:
        """A daemon that is up, and has started its manager, which gives back what anybody reads in its place till then.

        `program` is the Python that every agent runs; without one they sleep.
        """
        daemon = self.start_bare(*self.places(), *self.agent_command(program), *options)
        with self.host() as host, self.host() as following:
            assert following.ask("subscribe")["ok"]
            while any(row["agent"] == "manager" for row in host.ask("operations")["operations"]):
                following.hear()
        return daemon

    def start_bare(self, *options: str, environment: Mapping[str, str] | None = None) -> Daemon:
        """A daemon that is up, with those options alone."""
        daemon = Daemon(command(*options), environment)
        self.daemons.append(daemon)
        daemon.wait_for(IS_UP)
        return daemon

    def places(self) -> tuple[str, ...]:
        """The options that name the directories, and open no port: tests run side by side."""
        return "--state-dir", str(self.state), "--run-dir", str(self.run), "--dashboard", "off"

    def agent_command(self, program: str) -> tuple[str, ...]:
        """The options that say what agents run."""
        if not program:
            return "--agent-command", "sleep 1000"
        path = self.base / "agent.py"
        path.write_text(program)
        return "--agent-command", shlex.join([sys.executable, "-I", "-S", str(path)])

    def host(self) -> Client:
        """A connection to the operator's socket."""
        return self.client(self.run / "host.sock")

    def manager(self) -> Client:
        """A connection to the manager's socket."""
        return self.client(self.run / "manager/mcp.sock")

    def agent(self, name: str) -> Client:
        """A connection to an agent's socket."""
        return self.client(self.run / "agents" / name / "mcp.sock")

    def client(self, path: Path) -> Client:
        """A connection to the socket at that path."""
        client = Client(path)
        self._clients.append(client)
        return client

    def propose(self, name: str, text: str) -> str:
        """A commit in the agent's proposed repository with that `agent.toml`, as its manager makes one."""
        repository = self.state / "proposed" / name
        (repository / "agent.toml").write_text(text)
        git = ["git", "-C", str(repository)]
        subprocess.run([*git, "commit", "--quiet", "--all", "--message", "a change"], check=True, timeout=PATIENCE)
        told = subprocess.run([*git, "rev-parse", "HEAD"], check=True, capture_output=True, text=True, timeout=PATIENCE)
        return told.stdout.strip()

    def status(self, name: str) -> Answer:
        """The agent's row of `agent_status`."""
        with self.host() as host:
            rows = host.ask("agent_status")["agent_statuses"]
        (row,) = [row for row in rows if row["name"] == name]
        return dict(row)

    def pid(self, name: str) -> int:
        """The process that the agent's program is."""
        return int(json.loads((self.state / "runtime" / name / "run.json").read_text())["leader"])

    def end(self) -> None:
        """End everything; fails if a daemon has logged a traceback."""
        for client in self._clients:
            client.close()
        for daemon in self.daemons:
            daemon.kill()
        self._end_agents()
        for daemon in self.daemons:
            assert "Traceback" not in daemon.log, daemon.log

    def processes(self) -> list[int]:
        """Every process that was started for an agent of this hive and is alive."""
        mark = f"HIVE_STATE_DIR={self.base}/".encode()
        found = []
        for environment in Path("/proc").glob("[0-9]*/environ"):
            with suppress(OSError):
                if mark in environment.read_bytes():
                    found.append(int(environment.parent.name))
        return found

    def _end_agents(self) -> None:
        for pid in self.processes():
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
            assert ends(pid)


class Daemon:
    """One process of `twistd`; what it prints is read as it comes."""

    def __init__(self, words: Sequence[str], environment: Mapping[str, str] | None = None) -> None:
        self.process = subprocess.Popen(
            words, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
        self.lines: list[str] = []
        self._news = threading.Condition()
        self._over = False
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    @property
    def log(self) -> str:
        """All that was printed."""
        return "\n".join(self.lines)

    def wait_for(self, text: str) -> None:
        """Return when a line with `text` was printed; fails if the daemon ends without."""
        with self._news:
            self._news.wait_for(lambda: self._over or any(text in line for line in self.lines), PATIENCE)
        assert text in self.log, f"the daemon did not say {text!r}:\n{self.log}"

    def kill(self) -> None:
        """SIGKILL, and wait for its end."""
        self.end(signal.SIGKILL)

    def terminate(self) -> None:
        """SIGTERM, and wait for its end."""
        self.end(signal.SIGTERM)

    @contextmanager
    def held_still(self) -> Iterator[None]:
        """Stopped meanwhile, so that what happens to its sockets is seen all at once afterwards."""
        self.process.send_signal(signal.SIGSTOP)
        os.waitid(os.P_PID, self.process.pid, os.WSTOPPED | os.WNOWAIT)
        try:
            yield
        finally:
            self.process.send_signal(signal.SIGCONT)

    def resident_bytes(self) -> int:
        """The memory that the process holds now."""
        pages = Path(f"/proc/{self.process.pid}/statm").read_text().split()[1]
        return int(pages) * os.sysconf("SC_PAGE_SIZE")

    def end(self, number: signal.Signals) -> None:
        """Send that signal, and wait for the end."""
        self.process.send_signal(number)
        self.process.wait(PATIENCE)
        self._reader.join(PATIENCE)

    def _read(self) -> None:
        assert self.process.stdout is not None
        with self.process.stdout as printed:
            for line in printed:
                with self._news:
                    self.lines.append(line.decode(errors="replace").rstrip("\n"))
                    self._news.notify_all()
        with self._news:
            self._over = True
            self._news.notify_all()


def command(*options: str) -> list[str]:
    """The command line of a daemon."""
    return [TWISTD, "-n", "--pidfile=", "hyperhive", *options]


def as_nobody(*words: str) -> list[str]:
    """The same command as a user who owns nothing; skips the test where that can't be had."""
    if os.geteuid() != 0:
        return list(words)
    drop = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
    if shutil.which("setpriv") is None:
        pytest.skip("runs as root, and there is no setpriv to become somebody else with")
    if subprocess.run([*drop, *command("--help")], capture_output=True, check=False).returncode:
        pytest.skip("runs as root, and others can't run this Python")
    return [*drop, *words]


def ends(pid: int) -> bool:
    """Whether that process, which need not be ours, comes to its end."""
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        return bool(select.select([descriptor], [], [], PATIENCE)[0])
    finally:
        os.close(descriptor)
