"""`hive-agent serve` over a real socket with real commands."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from attrs import evolve

from hyperhive.agent.command import environment
from hyperhive.agent.program import Agent
from hyperhive.agent.settings import Settings
from hyperhive.wire.agent_requests import Recv, Send
from hyperhive.wire.fields import BODY_BYTES
from hyperhive.wire.records import Letter
from hyperhive.wire.states import HarnessState, OrderKind, TurnOutcome
from hyperhive.wire.turn_requests import BeginTurn, EndTurn
from hyperhive.wire.turns import Order
from tests.agent.conftest import Gate
from tests.agent.serving import Serve, shell
from tests.agent.small_hive import SmallHive


async def test_what_the_command_writes_becomes_the_reply_and_then_the_message_is_done(
    hive: SmallHive, serve: Serve
) -> None:
    number = hive.deliver("bob", "two\nlines, ünïcode")
    serve('printf "%s, you said: " "$HIVE_FROM"; cat; echo')
    await hive.until(lambda: hive.done == [number])
    assert hive.sent == [Send("bob", "bob, you said: two\nlines, ünïcode", number)]
    kinds = [type(request) for request in hive.asked if isinstance(request, Recv | Send | BeginTurn | EndTurn)]
    assert kinds[:4] == [Recv, BeginTurn, Send, EndTurn]
    assert hive.turns == [BeginTurn((number,), "command")]


async def test_a_body_larger_than_a_pipe_reaches_the_command_whole(hive: SmallHive, serve: Serve) -> None:
    hive.deliver("bob", "\0" + "x" * (BODY_BYTES - 1))
    serve("wc -c | tr -d ' '")
    await hive.until(lambda: hive.done)
    assert [reply.body for reply in hive.sent] == [str(BODY_BYTES)]


async def test_a_command_that_does_not_read_its_message_may_still_succeed(hive: SmallHive, serve: Serve) -> None:
    hive.deliver("bob", "x" * BODY_BYTES)
    serve("echo whatever")
    await hive.until(lambda: hive.done)
    assert [reply.body for reply in hive.sent] == ["whatever"]


async def test_the_environment_says_whose_message_it_is_and_whether_it_was_here_before(
    hive: SmallHive, serve: Serve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HIVE_REDELIVERED", "1")
    monkeypatch.setenv("HIVE_AGENT", "alice")
    told = tmp_path / "told"
    hive.deliver("bob", "")
    hive.deliver("carol", "", in_reply_to=-4)
    serve(
        'echo "$HIVE_AGENT $HIVE_FROM $HIVE_MESSAGE_ID ${HIVE_REDELIVERED-new} ${HIVE_IN_REPLY_TO-none}"'
        f' >> {told}; test "$HIVE_FROM" != bob || test -n "$HIVE_REDELIVERED"'
    )
    await hive.until(lambda: hive.done == [1, 2])
    assert told.read_text().splitlines() == ["alice bob 1 new none", "alice bob 1 1 none", "alice carol 2 new -4"]


def test_the_environment_says_where_the_operators_words_were_typed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HIVE_VIA", "somewhere")
    letter = Letter(id=1, sender="operator", body="", at=0, redelivered=False, via="self")
    assert environment(letter)[b"HIVE_VIA"] == b"self"
    assert b"HIVE_VIA" not in environment(evolve(letter, via=None))


@pytest.mark.parametrize(("sender", "in_reply_to"), [("system", None), ("reminder", None), ("bob", 3), ("operator", 3)])
async def test_who_must_not_be_replied_to_is_not(
    hive: SmallHive, serve: Serve, sender: str, in_reply_to: int | None
) -> None:
    number = hive.deliver(sender, "thank you", in_reply_to)
    serve("echo no, thank YOU")
    await hive.until(lambda: hive.done == [number])
    assert hive.sent == []


@pytest.mark.parametrize("output", ["", "\\n", " \\t\\n\\n"])
async def test_an_output_of_white_space_is_no_reply(hive: SmallHive, serve: Serve, output: str) -> None:
    number = hive.deliver("bob", "hello")
    serve(f"printf '{output}'")
    await hive.until(lambda: hive.done == [number])
    assert hive.sent == []


async def test_two_agents_with_a_talkative_command_exchange_one_reply(hive: SmallHive, serve: Serve) -> None:
    serve("echo thank you")
    await hive.until(hive.parked)
    hive.deliver("bob", "hello")
    await hive.until(lambda: hive.done == [1])
    reply = hive.sent[0]
    hive.deliver("bob", reply.body, in_reply_to=reply.in_reply_to)
    await hive.until(lambda: hive.done == [1, 2])
    assert hive.sent == [reply]


async def test_the_operator_gets_a_reply(hive: SmallHive, serve: Serve) -> None:
    hive.deliver("operator", "are you there?")
    serve("echo yes")
    await hive.until(lambda: hive.done)
    assert hive.sent == [Send("operator", "yes", 1)]


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        ("echo half a reply; exit 3", "the command exited with status 3"),
        ("kill -KILL $$", "the command was killed by SIGKILL"),
        ("kill -35 $$", "the command was killed by signal 35"),
        ("printf '\\377'", "the command wrote what is not UTF-8"),
        ("yes", f"the command wrote more than the {BODY_BYTES} bytes that a message holds"),
    ],
)
async def test_a_message_whose_command_failed_is_put_back(
    hive: SmallHive, serve: Serve, said: list[str], script: str, reason: str
) -> None:
    bad = hive.deliver("bob", "bad")
    serve(script)
    await hive.until(lambda: hive.stands(HarnessState.WAITING))
    assert hive.put_back == [(bad, True)]
    assert hive.sent == []
    assert f"message 1 from bob: put back, as {reason}" in said


async def test_a_program_that_is_not_there_puts_the_message_back(
    reactor: Any, hive: SmallHive, said: list[str]
) -> None:
    agent = Agent(reactor, hive.path, Settings(kind="command", command=("/nowhere/runner",)), {})
    agent.start()
    hive.deliver("bob", "hello")
    await hive.until(lambda: hive.stands(HarnessState.WAITING))
    await agent.stop()
    assert hive.put_back == [(1, True)]
    assert "message 1 from bob: put back, as the command '/nowhere/runner' is not there, or may not be run" in said


async def test_an_order_reaches_the_turn_under_way_over_the_real_lines(
    hive: SmallHive, serve: Serve, gate: Gate
) -> None:
    hive.deliver("bob", "hello")
    serve(f'test -n "$HIVE_REDELIVERED" || {{ {gate.script}; }}')
    await gate.reached()
    await hive.until(hive.listened)
    hive.order(Order(order=OrderKind.CANCEL_TURN, turn=1))
    await hive.until(lambda: hive.done)
    assert [end.outcome for end in hive.ended] == [TurnOutcome.CANCELLED, TurnOutcome.DONE]
    assert hive.put_back == [(1, True)]


async def test_an_order_breaks_off_the_wait_for_mail_and_the_wait_goes_on(
    hive: SmallHive, serve: Serve, said: list[str]
) -> None:
    serve("cat")
    await hive.until(hive.parked)
    await hive.until(hive.listened)
    hive.order(Order(order=OrderKind.COMPACT))
    await hive.until(lambda: hive.ended)
    await hive.until(hive.parked)
    hive.deliver("bob", "hello")
    await hive.until(lambda: hive.done)
    assert [turn.ids for turn in hive.turns] == [(), (1,)]
    assert said[:2] == [
        "connected as alice (agent) of testhive, start 3",
        "the operator's order is carried out: compact",
    ]


async def test_what_a_command_writes_is_the_stream_of_its_turn_though_it_fails(hive: SmallHive, serve: Serve) -> None:
    hive.deliver("bob", "hello")
    serve("printf 'one\\ntwo\\377\\nthree'; exit 1")
    await hive.until(lambda: hive.ended)
    assert hive.stream == ["one", "two\N{REPLACEMENT CHARACTER}", "three"]


async def test_a_command_that_does_not_end_in_its_time_is_ended(reactor: Any, hive: SmallHive, said: list[str]) -> None:
    hive.deliver("bob", "hello")
    agent = Agent(reactor, hive.path, evolve(shell("exec sleep 60"), turn_seconds=0.1), {})
    agent.start()
    await hive.until(lambda: hive.stands(HarnessState.WAITING))
    await agent.stop()
    assert hive.put_back == [(1, True)]
    assert "message 1 from bob: put back, as the command did not end within 0.1 seconds" in said
