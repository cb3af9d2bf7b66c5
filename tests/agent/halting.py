"""Agents that stand still at a step of a turn until somebody kills them, or what they speak with.

The real `hive-agent serve`, but that the agent called `before-begin-turn-c` tells the operator when it has come to that
step, and goes on by SIGUSR1 alone. Whoever has come so far does so in its first start only.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from attrs import frozen

from tests.daemon.client import Answer, Client
from tests.daemon.harness import Hive, ends

REQUESTS: Final = ("recv", "begin-turn", "status", "get-open-threads", "turn-events", "send", "end-turn")
"""What the loop asks of the daemon about a turn, in this order but for the events."""
STEPS: Final = tuple(f"{when}-{request}" for request in REQUESTS for when in ("before", "after"))
RUNNER: Final = """
again=${HIVE_REDELIVERED:-0}
echo $again >> runs
case $HIVE_AGENT-$again in *-r-0) echo half; kill -KILL $$;; esac
tr a-z A-Z
"""
"""The runner: it keeps count of its runs, and its reply is what it got in capitals; an agent's `…-r` dies at first."""
SETTINGS: Final = """
[agent]
runner_command = ["sh", "-c", '''{}''']
[restart]
policy = "on-crash"
pause = 0.1
[mail]
max_attempts = 3
"""
PROGRAM: Final = r"""
import json, os, signal, socket, sys
from hyperhive.agent import link, main

halts_at, _, victim = os.environ["HIVE_AGENT"].rpartition("-")
halts = victim in ("c", "d") and os.environ["HIVE_GENERATION"] == "1"
signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR1})
ask = link.Link.ask

def comes_to(step):
    global halts
    with open("steps", "a") as steps:
        steps.write(step + "\n")
    if not halts or step != halts_at:
        return
    halts = False
    with socket.socket(socket.AF_UNIX) as hive:
        hive.connect(os.environ["HIVE_SOCKET"])
        hive.sendall(json.dumps({"cmd": "send", "to": "operator", "body": "halted"}).encode() + b"\n")
        assert b'"ok"' in hive.recv(1000)
    signal.sigwait({signal.SIGUSR1})

async def stepwise(self, request):
    kind = "".join("-" + c.lower() if c.isupper() else c for c in type(request).__name__)[1:]
    if kind not in REQUESTS:
        return await ask(self, request)
    comes_to("before-" + kind)
    answer = await ask(self, request)
    comes_to("after-" + kind)
    return answer

link.Link.ask = stepwise
sys.argv = ["hive-agent", "serve"]
main.main()
""".replace("REQUESTS", repr(REQUESTS))


def program(python: str) -> list[str]:
    """What the agents run; `python` is the interpreter as they have it, with hyperhive."""
    return [python, "-c", PROGRAM]


def settings() -> str:
    """What the daemon's configuration says for them."""
    return SETTINGS.format(RUNNER)


@frozen
class Standstill:
    """A hive of such agents. `start` starts a daemon on it; `process` is an agent's program, as the host counts it."""

    hive: Hive
    start: Callable[[], object]
    process: Callable[[str], int]
    leader: Callable[[str], int]

    def kill_at(self, step: str, victim: str) -> None:
        """Kill the container (`c`) or the daemon (`d`) at that step, and see that the message was answered once."""
        name = f"{step}-{victim}"
        with self.hive.host() as host:
            assert host.ask("spawn", name=name)["ok"]
            id_ = host.ask("send", to=name, body="hello")["id"]
            self._wait(lambda: [row for row in sent_by(host, name) if row["body"] == "halted"])
            process, leader = self.process(name), self.leader(name)
        if victim == "c":
            os.kill(leader, signal.SIGKILL)
            assert ends(leader)
        else:
            self.hive.daemons[-1].kill()
            self.start()
            os.kill(process, signal.SIGUSR1)
        self._answered_once(name, id_)

    def goes_through(self, name: str) -> list[str]:
        """The steps that the agent comes to until it has answered a message, once, with nobody to disturb it."""
        with self.hive.host() as host:
            assert host.ask("spawn", name=name)["ok"]
            id_ = host.ask("send", to=name, body="hello")["id"]
        self._answered_once(name, id_)
        with self.hive.host() as host:  # the answer is there before the agent has heard that its turn has ended
            assert host.ask("kill", name=name)["ok"]
        return self.noted(name, "steps")

    def noted(self, name: str, file: str) -> list[str]:
        """The lines of a file that the agent keeps."""
        path = self.hive.state / "agents" / name / "state" / file
        return path.read_text().splitlines() if path.exists() else []

    def _answered_once(self, name: str, id_: int) -> None:
        with self.hive.host() as host:
            self._wait(lambda: [row for row in to(host, name) if row["id"] == id_ and row["state"] == "done"])
            replies = [row for row in sent_by(host, name) if row["body"] != "halted"]
            turns = host.ask("turns", name=name, limit=9)["turns"]
        assert [(row["body"], row["in_reply_to"]) for row in replies] == [("HELLO", id_)], (name, replies)
        runs = self.noted(name, "runs")
        assert 1 <= len(runs) <= 2, (name, runs)
        assert set(runs[1:]) <= {"1"}, (name, "worked on twice, and not told so", runs)
        assert [turn["outcome"] for turn in turns].count("done") == 1, (name, turns)

    def _wait(self, look: Callable[[], Sequence[Answer]]) -> None:
        with self.hive.host() as following:
            assert following.ask("subscribe")["ok"]
            while not look():
                following.hear()


def sent_by(host: Client, name: str) -> list[Answer]:
    """What the agent has sent to the operator."""
    rows = host.ask("messages", agent=name, limit=99)["messages"]
    return [row for row in rows if (row["from"], row["to"]) == (name, "operator")]


def to(host: Client, name: str) -> list[Answer]:
    """What was sent to the agent."""
    return [row for row in host.ask("messages", agent=name, limit=99)["messages"] if row["to"] == name]


def first_child(pid: int) -> int:
    """The first process that a container's leader has started."""
    return int(Path(f"/proc/{pid}/task/{pid}/children").read_text().split()[0])
