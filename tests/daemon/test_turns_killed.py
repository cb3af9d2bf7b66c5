"""SIGKILL to the daemon, or to the agent, at every step of a turn: its mail is done once or comes back marked,
and no reply is sent by a turn that did not end.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable

import pytest

from tests.daemon.client import Answer, Client, next_event
from tests.daemon.harness import Hive


class Harness:
    """What runs turns inside bob, step by step; each step can be taken again on a new connection."""

    def __init__(self, hive: Hive) -> None:
        self._hive = hive
        self.client: Client = hive.agent("bob")
        self.id = self.turn = 0

    def reconnect(self) -> None:
        """The daemon was restarted."""
        self.client = self._hive.agent("bob")

    def received(self) -> Answer:
        """Wait for the message."""
        (letter,) = self.client.ask("recv", max=1)["messages"]
        self.id = letter["id"]
        return dict(letter)

    def begun(self) -> Answer:
        """Begin a turn about it."""
        answer = self.client.ask("begin_turn", ids=[self.id], runner="command")
        self.turn = answer.get("id", 0)
        return answer

    def heard(self) -> Answer:
        """Tell what the runner writes."""
        return self.client.ask("turn_events", turn=self.turn, first=1, events=["one", "two"])

    def replied(self) -> Answer:
        """Answer, from within the turn."""
        return self.client.ask("send", to="alice", body="yes", in_turn=True)

    def ended(self) -> Answer:
        """The turn ended well."""
        return self.client.ask("end_turn", turn=self.turn, outcome="done")

    def ending(self) -> None:
        """Say so, and do not wait for the answer."""
        self.client.say("end_turn", turn=self.turn, outcome="done")

    @property
    def steps(self) -> list[Callable[[], object]]:
        """All of them in order."""
        return [self.received, self.begun, self.heard, self.replied, self.ended]


STEPS = ("received", "begun", "heard", "replied", "ended")


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


@pytest.mark.parametrize("killed_after", STEPS)
def test_a_turn_outlives_the_daemon(asked: Hive, killed_after: str) -> None:
    harness = Harness(asked)
    for step, name in zip(harness.steps, STEPS, strict=True):
        step()
        if name == killed_after:
            asked.daemons[-1].kill()
            asked.start()
            harness.reconnect()
            if name != "received":
                assert step() is not None  # its answer may have been lost, so it is taken again
            else:
                assert harness.begun()["kind"] == "err"  # it is queued again, and will be handed out again
                assert harness.received()["redelivered"]
    assert question(asked) == ("done", 0)
    assert replies(asked) == ["yes"]
    (turn,) = asked.host().ask("turns", limit=9)["turns"]
    assert (turn["outcome"], turn["events"]) == ("done", 2)


def test_an_end_whose_answer_was_lost_is_one_end(asked: Hive) -> None:
    harness = Harness(asked)
    for step in harness.steps[:-1]:
        step()
    harness.ending()
    asked.daemons[-1].kill()
    asked.start()
    harness.reconnect()
    assert harness.ended()["kind"] == "ok"
    assert question(asked) == ("done", 0)
    assert replies(asked) == ["yes"]


@pytest.mark.parametrize("killed_after", STEPS)
def test_a_turn_ends_with_its_agent(asked: Hive, killed_after: str) -> None:
    harness = Harness(asked)
    manager = asked.manager()
    for step, name in zip(harness.steps, STEPS, strict=True):
        step()
        if name == killed_after:
            os.kill(asked.pid("bob"), signal.SIGKILL)
            assert next_event(manager, "container_crash")["agent"] == "bob"
            break
    ended_well = killed_after == "ended"
    assert replies(asked) == (["yes"] if ended_well else [])
    assert question(asked) == (("done", 0) if ended_well else ("queued", 1))
    outcomes = [turn.get("outcome") for turn in asked.host().ask("turns", limit=9)["turns"]]
    assert outcomes == ([] if killed_after == "received" else ["done" if ended_well else "interrupted"])
    assert asked.host().ask("start", name="bob")["ok"]
    if not ended_well:
        assert harness.received()["redelivered"]
        harness.begun()
        harness.replied()
        harness.ended()
        assert replies(asked) == ["yes"]
