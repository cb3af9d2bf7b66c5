"""SIGKILL to the daemon, or to the agent, at every step of a turn.

Its mail is done once or comes back marked, and no reply is sent by a turn that did not end.
"""

from __future__ import annotations

import os
import signal
from typing import Any, Final

import pytest

from tests.daemon.client import Answer, next_event
from tests.daemon.harness import Hive

STEPS: Final = ("received", "begun", "heard", "replied", "ended")


class Harness:
    """What runs turns inside bob, step by step; each step can be taken again on a new connection."""

    def __init__(self, hive: Hive) -> None:
        self._hive = hive
        self.client = hive.agent("bob")
        self.letter: Answer = {}
        self.turn = 0

    def reconnect(self) -> None:
        """The daemon was restarted."""
        self.client = self._hive.agent("bob")

    def request(self, step: str) -> tuple[str, dict[str, Any]]:
        """What is said at that step."""
        requests: dict[str, tuple[str, dict[str, Any]]] = {
            "received": ("recv", {"max": 1}),
            "begun": ("begin_turn", {"ids": [self.letter.get("id", 0)], "runner": "command"}),
            "heard": ("turn_events", {"turn": self.turn, "first": 1, "events": ["one", "two"]}),
            "replied": ("send", {"to": "alice", "body": "yes", "in_turn": True}),
            "ended": ("end_turn", {"turn": self.turn, "outcome": "done"}),
        }
        return requests[step]

    def take(self, step: str) -> None:
        """Take a step, and hear that it was taken. What is no longer in hand is received again."""
        cmd, fields = self.request(step)
        answer = self.client.ask(cmd, **fields)
        if step == "begun" and answer["kind"] == "err":
            self.take("received")
            self.take("begun")
            return
        assert answer["kind"] != "err", answer
        if step == "received":
            (self.letter,) = answer["messages"]
        if step == "begun":
            self.turn = answer["id"]

    def try_to_take(self, step: str) -> None:
        """Say what is said at that step, and hear nothing of it."""
        cmd, fields = self.request(step)
        self.client.say(cmd, **fields)


@pytest.fixture
def asked(hive: Hive) -> Hive:
    """A hive in which alice has asked bob something."""
    hive.start()
    for name in ("alice", "bob"):
        assert hive.host().ask("spawn", name=name)["ok"]
    assert hive.agent("alice").ask("send", to="bob", body="well?")["id"]
    return hive


def replies(hive: Hive) -> list[str]:
    """What alice has got."""
    return [row["body"] for row in hive.agent("alice").ask("recent", limit=100)["rows"]]


def question(hive: Hive) -> tuple[str, int]:
    """How alice's message stands: its state and the attempts spent."""
    rows = hive.host().ask("messages", limit=100, agent="bob")["messages"]
    (row,) = [row for row in rows if row["body"] == "well?"]
    return row["state"], row["attempts"]


def turns(hive: Hive) -> list[Answer]:
    """All turns, newest first."""
    return list(hive.host().ask("turns", limit=9)["turns"])


@pytest.mark.parametrize("killed_at", STEPS)
@pytest.mark.parametrize("heard", [True, False])
def test_a_turn_outlives_the_daemon(asked: Hive, killed_at: str, *, heard: bool) -> None:
    """It dies before or after the answer to that step was heard; then the step is taken again, as nobody could know."""
    harness = Harness(asked)
    for step in STEPS:
        if step == killed_at:
            (harness.take if heard else harness.try_to_take)(step)
            asked.daemons[-1].kill()
            asked.start()
            harness.reconnect()
        harness.take(step)
    assert harness.letter["redelivered"] is True or killed_at != "received" or not heard
    assert question(asked) == ("done", 0)
    assert replies(asked) == ["yes"]
    assert [(turn["outcome"], turn["events"]) for turn in turns(asked)] == [("done", 2)]


@pytest.mark.parametrize(
    ("cmd", "fields"), [("renew", {}), ("turn_events", {"turn": 1, "first": 3, "events": ["three"]})]
)
def test_the_mail_of_a_turn_is_in_hand_again_once_its_harness_goes_on_with_it(
    asked: Hive, cmd: str, fields: dict[str, Any]
) -> None:
    harness = Harness(asked)
    for step in ("received", "begun", "heard"):
        harness.take(step)
    asked.daemons[-1].kill()
    asked.start()
    harness.reconnect()
    assert question(asked) == ("queued", 0)
    assert harness.client.ask(cmd, **fields)["count"] == 1
    assert question(asked) == ("leased", 0)
    assert asked.agent("bob").ask("recv", max=9, wait_seconds=0)["messages"] == []
    harness.take("ended")
    assert question(asked) == ("done", 0)


def test_what_was_handed_out_before_the_daemon_died_begins_no_turn(asked: Hive) -> None:
    """It is queued again, and will be handed out again."""
    harness = Harness(asked)
    harness.take("received")
    asked.daemons[-1].kill()
    asked.start()
    harness.reconnect()
    cmd, fields = harness.request("begun")
    assert "is not in the hands of 'bob'" in harness.client.ask(cmd, **fields)["message"]


@pytest.mark.parametrize("killed_after", STEPS)
def test_a_turn_ends_with_its_agent(asked: Hive, killed_after: str) -> None:
    harness = Harness(asked)
    manager = asked.manager()
    for step in STEPS[: STEPS.index(killed_after) + 1]:
        harness.take(step)
    os.kill(asked.pid("bob"), signal.SIGKILL)
    assert next_event(manager, "container_crash")["agent"] == "bob"
    ended_well = killed_after == "ended"
    assert replies(asked) == (["yes"] if ended_well else [])
    assert question(asked) == (("done", 0) if ended_well else ("queued", 1))
    outcomes = [turn.get("outcome") for turn in turns(asked)]
    assert outcomes == ([] if killed_after == "received" else ["done" if ended_well else "interrupted"])
    if not ended_well:
        assert asked.host().ask("start", name="bob")["ok"]
        for step in STEPS:
            harness.take(step)
        assert harness.letter["redelivered"]
        assert replies(asked) == ["yes"]
