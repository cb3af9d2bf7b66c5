"""Turns as the operator reads them: lists, the stream of one, and that stream while it comes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from hyperhive.hivectl.agent_pages import sentence_of
from hyperhive.hivectl.event_pages import event
from hyperhive.hivectl.page import Line, Page, Remark, View, iso, plain
from hyperhive.hivectl.turn_pages import foot, turns
from hyperhive.hivectl.turn_stream import told
from hyperhive.wire.records import Change
from hyperhive.wire.responses import HostResponse
from hyperhive.wire.states import HarnessState, TurnOutcome
from hyperhive.wire.turns import Harness, TurnEvent, Usage
from tests.hivectl.rows import NOW, agent, message, turn
from tests.hivectl.scripted import Conversation, ScriptedDaemon, refused

PIPE = View(terminal=False, now=NOW)
PERSON = View(terminal=True, now=NOW)
AT = iso(NOW - 60)
USAGE = Usage(model="m", input_tokens=1200, output_tokens=34, context_tokens=5000, cost_micros=12_345)
DONE = turn(ended_at=NOW - 48, outcome=TurnOutcome.DONE, usage=USAGE, events=3)
FAILED = turn(6, agent="bob", runner="command", messages=(), ended_at=NOW, outcome=TurnOutcome.FAILED, error="no\x1b")


def reply(**fields: Any) -> HostResponse:
    return HostResponse(ok=True, **fields)


def lines(page: Page) -> list[str]:
    return plain(page).splitlines()


def test_turns_are_a_table() -> None:
    assert lines(turns(reply(turns=(turn(8), DONE, FAILED)), PIPE)) == [
        "ID  AGENT  RUNNER   MODEL  MAIL  STARTED               TOOK  OUTCOME    TOKENS     COST  ERROR",
        f" 8  alice  claude   -      41    {AT}     -  under way       -        -  -",
        f" 7  alice  claude   m      41    {AT}  12 s  done         1234  $0.0123  -",
        f" 6  bob    command  -      -     {AT}  60 s  failed          -        -  no\\x1b",
    ]


@pytest.mark.parametrize("outcome", [None, *TurnOutcome])
def test_how_a_turn_ended_is_said_in_words(outcome: TurnOutcome | None) -> None:
    row = turn(outcome=outcome, ended_at=None if outcome is None else NOW)
    words = "under way" if outcome is None else " ".join(outcome.value.split("_"))
    assert words in plain(turns(reply(turns=(row,)), PIPE))
    assert words in " ".join(part.text for part in foot(row) if isinstance(part, Line | Remark))


def test_no_turn_is_a_remark() -> None:
    assert turns(reply(turns=()), PIPE) == (Remark("There was no turn yet."),)


def test_the_end_of_a_turn_says_what_it_took() -> None:
    took = "done after 12 s, 1200 tokens read, 34 written, 5000 in the context, $0.0123"
    assert lines(foot(DONE)) == [took]
    assert lines(foot(FAILED)) == ["failed after 60 s: no\\x1b"]
    assert foot(turn()) == (Remark("It is under way: hivectl turn 7 --follow shows how."),)


def test_changes_of_turns_are_told_in_a_line() -> None:
    def sentence(row: Any) -> str:
        return plain(event(reply(seq=1, change=Change(kind="turn", turn=row)), PIPE))

    assert sentence(turn(events=5)) == f"{iso(NOW)} turn 7: alice at work, 5 events\n"
    assert sentence(DONE) == f"{iso(NOW)} turn 7: alice, done\n"
    assert sentence(FAILED) == f"{iso(NOW)} turn 6: bob, failed: no\\x1b\n"


def test_a_followed_agent_is_shown_with_its_turn_and_why_it_waits() -> None:
    assert sentence_of(agent(turn=7), PIPE).endswith("alice: running, 0 unread, turn 7")
    limited = agent(harness=Harness(state=HarnessState.LIMITED, until=NOW))
    assert sentence_of(limited, PIPE).endswith(f"waits (limited, goes on {iso(NOW)})")
    failed = agent(harness=Harness(state=HarnessState.WAITING, note="it died"))
    assert sentence_of(failed, PIPE).endswith("waits (after a failure: it died)")
    assert sentence_of(agent(harness=Harness(state=HarnessState.READY)), PIPE).endswith("running, 0 unread")


STREAM = [
    ({"type": "system", "subtype": "init", "session_id": "s", "model": "m", "tools": []}, ["session s, model m"]),
    (
        {
            "type": "assistant",
            "message": {
                "content": [
                    {"type": "thinking", "thinking": "well\n"},
                    {"type": "text", "text": "two\nlines"},
                    {"type": "tool_use", "name": "send", "input": {"to": "bob", "body": "ü\n"}},
                ]
            },
        },
        ["(thinks) well\\n", "two", "lines", '→ send {"to": "bob", "body": "ü\\n"}'],
    ),
    (
        {"type": "user", "message": {"content": [{"type": "tool_result", "content": "no\n", "is_error": True}]}},
        ["← no\\n"],
    ),
    (
        {
            "type": "user",
            "message": {
                "content": [{"type": "tool_result", "content": [{"type": "text", "text": "yes"}, {"type": "image"}]}]
            },
        },
        ["← yes (image)"],
    ),
    ({"type": "user", "message": {"content": "go on"}}, ["go on"]),
    ({"type": "assistant", "message": {"content": [{"type": "of_next_year"}]}}, ["(of_next_year)"]),
    ({"type": "stream_event", "event": {}}, []),
    ({"type": "result", "subtype": "success", "result": "two\nlines"}, []),
    ({"type": "result", "subtype": "success", "is_error": True, "result": "full"}, ["failed: full"]),
    ({"type": "result", "subtype": "error_during_execution", "is_error": True, "errors": ["x", 1]}, ["failed: x; 1"]),
    ({"type": "result", "subtype": "error_max_turns", "is_error": True}, ["failed: error max turns"]),
    ({"type": "control_response", "response": {"subtype": "success", "request_id": "cancel"}}, []),
    (
        {"type": "system", "subtype": "api_retry", "attempt": 3, "max_retries": 10, "error": "rate_limit"},
        ["asks the provider again, attempt 3 of 10: rate limit"],
    ),
    ({"type": "system", "subtype": "status", "status": "compacting"}, ["shortens the context"]),
    ({"type": "system", "subtype": "status", "status": None, "compact_result": "success"}, []),
    (
        {"type": "system", "subtype": "status", "compact_result": "failed", "compact_error": "too long"},
        ["the context could not be shortened: too long"],
    ),
    (
        {"type": "system", "subtype": "compact_boundary", "compact_metadata": {"pre_tokens": 9, "post_tokens": 2}},
        ["the context was shortened from 9 to 2 tokens"],
    ),
    ({"type": "system", "subtype": "compact_boundary"}, ["the context was shortened"]),
    ({"type": "hyperhive", "subtype": "cut", "note": "the rest is not kept"}, ["the rest is not kept"]),
]


@pytest.mark.parametrize(("event", "shown"), STREAM)
def test_a_coding_agents_stream_is_told_in_words(event: Any, shown: list[str]) -> None:
    assert lines(told(json.dumps(event), PIPE)) == shown


@pytest.mark.parametrize(
    "line",
    [
        "plain words",
        "{",
        "[1]",
        "7",
        '{"type":7}',
        '{"type":"of_next_year","x":1}',
        '{"type":"assistant"}',
        '{"type":"assistant","message":{"content":[{"type":"text"}]}}',
        '{"type":"assistant","message":{"content":[7]}}',
        '{"type":"system","subtype":"init"}',
        '{"type":"system","subtype":"of_next_year"}',
        '{"type":"system","subtype":"api_retry"}',
    ],
)
def test_any_other_line_is_shown_as_it_is(line: str) -> None:
    assert lines(told(line, PIPE)) == [line]


def test_a_person_is_spared_long_calls() -> None:
    call = {"type": "tool_use", "name": "send", "input": {"body": "x" * 1000}}
    (line,) = told(json.dumps({"type": "assistant", "message": {"content": [call]}}), PERSON)
    assert len(plain((line,))) < 150


def log(row: Any, *events: tuple[int, str]) -> HostResponse:
    return reply(turns=(row,), events=tuple(TurnEvent(seq=seq, at=NOW, event=event) for seq, event in events))


def one_after_the_other(*answers: HostResponse) -> Any:
    left: Iterator[HostResponse] = iter(answers)
    return lambda conversation, _request: conversation.say(next(left))


async def test_a_turn_is_shown_from_its_mail_to_its_end(daemon: ScriptedDaemon) -> None:
    daemon.answers |= {
        "TurnLog": one_after_the_other(log(DONE, (1, "one"), (2, "\x1b[2J")), log(DONE, (3, "three")), log(DONE)),
        "Messages": reply(messages=(message(body="so?"),)),
    }
    ran = await daemon.run("turn", "7")
    assert (ran.status, ran.err) == (0, "")
    assert ran.out.splitlines() == [
        f"Turn 7 of alice (claude, m), began {AT}, about message 41",
        "  41  alice: so?",
        "one",
        "\\x1b[2J",
        "three",
        "done after 12 s, 1200 tokens read, 34 written, 5000 in the context, $0.0123",
    ]
    assert [json.loads(line).get("after") for line in daemon.asked if b"turn_log" in line] == [None, 2, 3]


async def test_mail_that_is_gone_is_left_out(daemon: ScriptedDaemon) -> None:
    daemon.answers |= {"TurnLog": log(DONE), "Messages": reply(messages=(message(40),))}
    ran = await daemon.run("turn", "7")
    assert len(ran.out.splitlines()) == 2


async def test_a_turn_that_goes_on_is_not_waited_for_unasked(daemon: ScriptedDaemon) -> None:
    daemon.answers["TurnLog"] = log(turn(messages=()))
    ran = await daemon.run("turn", "7")
    assert ran.out == f"Turn 7 of alice (claude), began {AT}, about no mail\n"
    assert ran.err == "It is under way: hivectl turn 7 --follow shows how.\n"


async def test_a_turn_is_followed_to_its_end(daemon: ScriptedDaemon) -> None:
    def subscribe(conversation: Conversation, _request: Any) -> None:
        for changed in (None, turn(6), turn(7)):
            change = None if changed is None else Change(kind="turn", turn=changed)
            conversation.say(reply(seq=1, change=change))
        conversation.say(reply(seq=9, resync=True))

    going = turn(messages=())
    answers = (log(going), log(going, (1, "one")), log(going), log(DONE))
    daemon.answers |= {"Subscribe": subscribe, "TurnLog": one_after_the_other(*answers)}
    ran = await daemon.run("turn", "7", "--follow")
    assert ran.status == 0
    assert [line.split(" ")[0] for line in ran.out.splitlines()] == ["Turn", "one", "done"]


async def test_a_daemon_that_leaves_ends_the_following(daemon: ScriptedDaemon) -> None:
    def subscribe(conversation: Conversation, _request: Any) -> None:
        conversation.say(reply(seq=1))
        conversation.transport.loseConnection()

    daemon.answers |= {"Subscribe": subscribe, "TurnLog": log(turn(messages=()))}
    ran = await daemon.run("turn", "7", "--follow")
    assert (ran.status, ran.err) == (3, "hivectl: the daemon closed the connection before the turn ended\n")


async def test_a_model_is_said_to_hold_until_the_next_start(daemon: ScriptedDaemon) -> None:
    daemon.answers["SetModel"] = reply()
    ran = await daemon.run("model", "alice", "large")
    assert ran.out == "alice works with large from its next turn on, until it is started again.\n"
    ran = await daemon.run("model", "alice")
    assert ran.out == "alice works with the configured model from its next turn on.\n"


async def test_who_cancels_a_turn_hears_that_its_message_comes_back(daemon: ScriptedDaemon) -> None:
    daemon.answers["CancelTurn"] = reply()
    ran = await daemon.run("cancel-turn", "alice")
    assert ran.out == (
        "alice has been told to end its turn. Its message comes back, and is taken up again at once unless alice is "
        "paused: hivectl pause alice\n"
    )


async def test_an_order_that_nobody_took_points_at_the_log(daemon: ScriptedDaemon) -> None:
    daemon.answers["Compact"] = refused("it was not taken ('logs alice' shows what it says)")
    ran = await daemon.run("compact", "alice")
    assert ran.err == "hivectl: it was not taken ('hivectl logs alice' shows what it says)\n"


async def test_a_turn_that_is_not_there_is_refused(daemon: ScriptedDaemon) -> None:
    daemon.answers["TurnLog"] = refused("there is no turn 7; 'turns' lists the last ones")
    ran = await daemon.run("turn", "7")
    assert (ran.status, ran.err) == (1, "hivectl: there is no turn 7; 'hivectl turns' lists the last ones\n")


async def test_following_that_is_refused_is_told(daemon: ScriptedDaemon) -> None:
    daemon.answers["Subscribe"] = refused("no")
    assert await daemon.run("turn", "7", "-f") == (1, "", "hivectl: no\n")


async def test_json_of_a_turn_is_the_daemons_lines_alone(daemon: ScriptedDaemon) -> None:
    daemon.answers["TurnLog"] = one_after_the_other(log(DONE, (1, "one")), log(DONE))
    ran = await daemon.run("turn", "7", "--json")
    assert [len(json.loads(line)["events"]) for line in ran.out.splitlines()] == [1, 0]
    assert len(daemon.asked) == 2
