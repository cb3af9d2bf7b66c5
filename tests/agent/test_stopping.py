"""How `hive-agent serve` ends, and when it does not begin."""

from __future__ import annotations

from typing import Any

import pytest
from attrs import evolve
from twisted.internet.defer import Deferred

from hyperhive.agent import command, program
from hyperhive.agent.program import NO_RUNNER, Agent
from hyperhive.agent.settings import Settings
from hyperhive.wire.agent_requests import Send, SetStatus, Whoami
from tests.agent.conftest import Gate
from tests.agent.serving import Serve, shell
from tests.agent.small_hive import SmallHive


async def test_without_a_runner_mail_stays_where_it_is_and_the_log_says_why(
    hive: SmallHive, serve: Serve, said: list[str]
) -> None:
    hive.deliver("bob", "hello")
    serve(None)
    await hive.until(lambda: Whoami() in hive.asked)
    assert said[0] == NO_RUNNER
    assert hive.unread() == 1


async def test_stopping_ends_the_command_and_puts_its_message_back_at_no_cost(
    hive: SmallHive, serve: Serve, gate: Gate, said: list[str]
) -> None:
    for body in "one", "two", "three":
        hive.deliver("bob", body)
    agent = serve(gate.script)
    await gate.reached()
    await agent.stop()
    assert hive.put_back == [(1, False)]
    assert hive.unread() == 3
    assert said[-1] == "message 1 from bob: put back, as hive-agent is stopping"


async def test_a_command_that_ends_well_when_told_to_stop_has_done_its_work(
    hive: SmallHive, serve: Serve, gate: Gate
) -> None:
    hive.deliver("bob", "one")
    agent = serve(f"trap 'echo in haste; exit 0' TERM; {gate.script}")
    await gate.reached()
    await agent.stop()
    assert hive.sent == [Send("bob", "in haste", 1)]
    assert hive.done == [1]


async def test_a_command_that_ignores_being_told_is_killed_with_all_its_children(
    hive: SmallHive, serve: Serve, gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(command, "GRACE", 0.1)
    hive.deliver("bob", "one")
    agent = serve(f"trap '' TERM; {gate.knock} stays & {gate.script}")
    await gate.reached()
    await hive.until(lambda: SetStatus("stays") in hive.asked)
    await agent.stop()
    assert hive.put_back == [(1, False)]
    await hive.until(lambda: not hive.connections)


async def test_a_child_that_ignores_being_told_does_not_outlive_its_command_that_obeys(
    hive: SmallHive, serve: Serve, gate: Gate
) -> None:
    hive.deliver("bob", "one")
    agent = serve(f"(trap '' TERM; exec {gate.knock} stays >/dev/null 2>&1) & {gate.script}")
    await gate.reached()
    await hive.until(lambda: SetStatus("stays") in hive.asked)
    await agent.stop()
    await hive.until(lambda: not hive.connections)


async def test_what_a_command_left_behind_does_not_hold_up_its_reply(
    hive: SmallHive, serve: Serve, monkeypatch: pytest.MonkeyPatch, gate: Gate
) -> None:
    monkeypatch.setattr(command, "GRACE", 0.1)
    hive.deliver("bob", "one")
    serve(f"echo reply; ({gate.script}) &")
    await hive.until(lambda: hive.done)
    assert hive.sent == [Send("bob", "reply", 1)]
    gate.open()


async def test_a_stopped_agent_whose_daemon_is_away_leaves_in_time(
    hive: SmallHive, serve: Serve, gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(program, "SETTLING", 0.1)
    monkeypatch.setattr(program, "GRACE", 0.1)
    hive.deliver("bob", "one")
    agent = serve(gate.script)
    await gate.reached()
    await hive.close()
    await agent.stop()
    assert hive.put_back == []


async def test_a_stopped_agent_whose_daemon_comes_back_in_time_puts_its_mail_back(
    hive: SmallHive, serve: Serve, gate: Gate
) -> None:
    hive.deliver("bob", "one")
    agent = serve(f"trap '{gate.knock} told-to-stop; exit 1' TERM; {gate.script}")
    await gate.reached()
    hive.until(lambda: SetStatus("told-to-stop") in hive.asked).addCallback(lambda _: hive.drop())
    await agent.stop()
    assert hive.put_back == [(1, False)]


async def test_a_command_may_end_well_in_the_grace_of_a_stop(reactor: Any, hive: SmallHive, gate: Gate) -> None:
    hive.deliver("bob", "hello")
    agent = Agent(reactor, hive.path, evolve(shell(f"{gate.script}; echo made it"), grace=20.0), {})
    agent.start()
    await gate.reached()
    over = Deferred.fromCoroutine(agent.stop())
    gate.open()
    await over
    assert hive.sent == [Send("bob", "made it", 1)]
    assert hive.done == [1]


async def test_a_runner_that_can_not_be_had_is_one_sentence_and_status_1(
    reactor: Any, hive: SmallHive, said: list[str]
) -> None:
    agent = Agent(Unstoppable(reactor), hive.path, Settings(kind="claude"), {"HIVE_STATE_DIR": "/proc/nowhere"})
    agent.start()
    await hive.until(lambda: Whoami() in hive.asked)
    await agent._served
    await agent.stop()
    assert agent.status == 1
    assert said[-1].startswith("the runner 'claude' needs the directory /proc/nowhere/.hive-agent: ")


class Unstoppable:
    """The reactor, which goes on when it is told to stop."""

    def __init__(self, reactor: Any) -> None:
        self._reactor = reactor

    def __getattr__(self, name: str) -> Any:
        return getattr(self._reactor, name)

    def stop(self) -> None:
        """Not while the tests run."""
