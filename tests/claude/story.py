"""One story of a hive that thinks, from the operator's wish to the answer in a later turn; and the model that plays it.

The manager is asked for a helper and requests it; the operator approves; the manager sends the helper its task; the
helper replies and asks the operator a question with options; the answer wakes it once more, and it reports.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.claude.script import Answer, Asked, Call, says
from tests.daemon.client import PATIENCE
from tests.daemon.client import Answer as Told
from tests.daemon.harness import Hive

HELPER = "helper"
WISH = "Please find somebody who counts moons."
TASK = "How many moons has Mars?"
REPLY = "Mars has two moons."
QUESTION = "Shall I count others too?"
OPTIONS = ["all", "none"]
REPORT = "I was told: all."


def model(asked: Asked) -> Answer:
    """What the model of every agent in the story says; a turn ends once its tools have answered."""
    if asked.results:
        return says("That is done.")
    if "mcp__hive__request_spawn" in asked.tools:
        return _manager(asked.text)
    return _helper(asked.text)


def _manager(text: str) -> Answer:
    if WISH in text:
        return says("I need somebody.", Call("mcp__hive__request_spawn", {"name": HELPER, "description": "for moons"}))
    if '"event":"spawned"' in text:
        return says("It is there.", Call("mcp__hive__send", {"to": HELPER, "body": TASK}))
    return says("I have read that.")


def _helper(text: str) -> Answer:
    if TASK in text:
        reply = Call("mcp__hive__send", {"to": "manager", "body": REPLY})
        return says(reply, Call("mcp__hive__ask_operator", {"question": QUESTION, "options": OPTIONS}))
    if '"event":"operator_answered"' in text and '"answer":"all"' in text:
        return says(Call("mcp__hive__send", {"to": "operator", "body": REPORT}))
    return says("I have read that.")


@contextmanager
def stand_in(directory: Path) -> Iterator[str]:
    """The story's model behind the provider's API, as a process of its own; its URL."""
    words = [sys.executable, "-m", "tests.claude.api", "--script", f"{__name__}:model"]
    with subprocess.Popen([*words, "--port-file", str(directory / "port")], stdout=subprocess.PIPE) as process:
        try:
            assert process.stdout is not None
            yield process.stdout.readline().decode().strip()
        finally:
            process.terminate()


def play(hive: Hive) -> None:
    """The whole story, by the operator's socket; every step is waited for, and what it left is looked at."""
    with hive.host() as host, hive.host() as following:
        assert following.ask("subscribe")["ok"]
        operator = Operator(host, following)
        assert host.ask("send", to="manager", body=WISH)["ok"]
        (approval,) = operator.wait_for(lambda: host.ask("pending")["approvals"])
        assert (approval["agent"], approval["kind"]) == (HELPER, "spawn")
        assert host.ask("approve", id=approval["id"])["ok"]
        (question,) = operator.wait_for(lambda: host.ask("questions")["questions"])
        assert (question["asker"], question["question"], question["options"]) == (HELPER, QUESTION, OPTIONS)
        (reply,) = operator.wait_for(lambda: operator.mail(HELPER, "manager"))
        assert reply["body"] == REPLY
        (task,) = operator.mail("manager", HELPER)
        assert reply["in_reply_to"] == task["id"]
        assert host.ask("answer", id=question["id"], choices=["all"])["ok"]
        (report,) = operator.wait_for(lambda: operator.mail(HELPER, "operator"))
        assert report["body"] == REPORT
        operator.wait_for(lambda: [True] if operator.all_done() else [])
        turns = host.ask("turns", limit=100, name=HELPER)["turns"]
        assert [turn["outcome"] for turn in turns] == ["done", "done"]
        assert turns[1]["messages"] == [task["id"]]
        assert len({turn["usage"]["session"] for turn in turns}) == 1, "both turns are one session"


class Operator:
    """The operator's look at the hive; waits for changes by the feed."""

    def __init__(self, host: Any, following: Any) -> None:
        self._host = host
        self._following = following

    def wait_for(self, look: Any) -> list[Told]:
        """What `look` finds, once that is something."""
        end = time.monotonic() + 2 * PATIENCE
        while not (found := look()):
            assert time.monotonic() < end, f"it did not come; the last turns: {self._host.ask('turns', limit=10)}"
            self._following.hear()
        return list(found)

    def mail(self, sender: str, to: str) -> list[Told]:
        """The messages from one to the other."""
        rows = self._host.ask("messages", limit=1000, agent=sender)["messages"]
        return [row for row in rows if (row["from"], row["to"]) == (sender, to)]

    def all_done(self) -> bool:
        """Whether no mail waits and no turn is under way."""
        return all(
            not row["unread"] and not row.get("in_hand") and "turn" not in row
            for row in self._host.ask("agent_status")["agent_statuses"]
        )
