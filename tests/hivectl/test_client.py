"""Errands against a daemon that says what it was told to."""

from __future__ import annotations

import io
import sys
from typing import Any

import click
import pytest

from hyperhive.hivectl.screen import Screen
from hyperhive.wire.codec import HOST
from hyperhive.wire.responses import HostResponse
from tests.hivectl.rows import agent, question
from tests.hivectl.scripted import Conversation, ScriptedDaemon, Terminal, refused, understood


async def test_an_answer_is_shown(daemon: ScriptedDaemon) -> None:
    daemon.answers["List"] = HostResponse(ok=True, agents=("alice", "manager"))
    assert await daemon.run("list") == (0, "alice\nmanager\n", "")


async def test_a_refusal_is_told_on_standard_error_with_status_1(daemon: ScriptedDaemon) -> None:
    daemon.answers["Kill"] = refused("there is no agent 'alice'\x1b[2J")
    assert await daemon.run("kill", "alice") == (1, "", "hivectl: there is no agent 'alice'\\x1b[2J\n")


async def test_json_is_the_line_as_it_came(daemon: ScriptedDaemon) -> None:
    line = '{"version":1,"ok":true, "agents":["ü\\u001b"] ,"new":{}}'
    daemon.answers["List"] = line.encode()
    assert await daemon.run("list", "--json") == (0, line + "\n", "")


async def test_json_of_a_refusal_is_the_line_too(daemon: ScriptedDaemon) -> None:
    line = HOST.line_of_answer(refused("no")).decode()
    daemon.answers["List"] = line.encode()
    assert await daemon.run("list", "--json") == (1, line + "\n", "hivectl: no\n")


async def test_status_asks_everything_at_once_on_one_connection(daemon: ScriptedDaemon) -> None:
    daemon.answers["AgentStatus"] = HostResponse(ok=True, agent_statuses=(agent("manager"),))
    ran = await daemon.run("status")
    assert ran.status == 0
    assert ran.out.startswith("Nothing needs you.\n")
    assert len(daemon.asked) == 7
    assert len((await daemon.run("status", "--json")).out.splitlines()) == 7


async def test_a_refusal_in_the_middle_of_status_is_told(daemon: ScriptedDaemon) -> None:
    daemon.answers["Questions"] = refused("no such verb")
    assert await daemon.run("status") == (1, "", "hivectl: no such verb\n")


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ("list", "no end within 0.05 s"),
        ("status", "no end within 0.05 s"),
        ("events", "no end within 0.05 s"),
        ("kill alice", "the operation goes on"),
    ],
)
async def test_a_daemon_that_is_too_slow_is_status_3(daemon: ScriptedDaemon, arguments: str, told: str) -> None:
    silent = ("List", "AgentStatus", "Subscribe", "Kill")
    daemon.answers |= {name: lambda *_: None for name in silent}
    ran = await daemon.run(*arguments.split(), "--timeout", "0.05")
    assert (ran.status, ran.out) == (3, "")
    assert told in ran.err
    assert "--timeout" in ran.err


@pytest.mark.parametrize("arguments", ["list", "kill alice", "approve 7 --wait", "events", "agents --follow"])
async def test_a_daemon_that_leaves_is_status_3(daemon: ScriptedDaemon, arguments: str) -> None:
    def leave(conversation: Conversation, _request: Any) -> None:
        conversation.transport.abortConnection()

    daemon.answers |= dict.fromkeys(["List", "Kill", "Approve", "Subscribe", "SubscribeAgentStatus"], leave)
    ran = await daemon.run(*arguments.split())
    assert ran.status == 3
    assert "the daemon closed the connection" in ran.err
    assert len(ran.err.splitlines()) == 1


@pytest.mark.parametrize("line", [b"", b"nonsense", b"[]", b'{"version":1}', b'{"version":1,"ok":true,"agents":[1]}'])
async def test_an_answer_that_makes_no_sense_is_told_in_a_sentence(daemon: ScriptedDaemon, line: bytes) -> None:
    daemon.answers["List"] = line
    ran = await daemon.run("list")
    assert (ran.status, ran.out) == (1, "")
    assert ran.err.startswith("hivectl: the daemon's answer can't be read")
    assert len(ran.err.splitlines()) == 1


async def test_a_mistake_of_ours_is_one_sentence(daemon: ScriptedDaemon, monkeypatch: pytest.MonkeyPatch) -> None:
    errand, settings = understood("list")
    screen = Screen(io.StringIO(), io.StringIO())
    monkeypatch.setattr(Screen, "show", lambda *_: 1 / 0)
    assert await daemon.client(settings, screen).run(errand) == 1
    assert screen.err.getvalue() == "hivectl: internal error, please report it: ZeroDivisionError: division by zero\n"  # type: ignore[attr-defined]


async def test_that_there_is_nothing_is_told_beside_the_answer(daemon: ScriptedDaemon) -> None:
    assert await daemon.run("inbox") == (0, "", "Nobody wrote to the operator.\n")
    assert await daemon.run("inbox", terminal=True) == (0, "Nobody wrote to the operator.\n", "")


@pytest.mark.parametrize(
    ("verb", "command"),
    [
        ("there is no session 7; 'sessions' lists them", "there is no session 7; 'hivectl sessions' lists them"),
        ("it runs another since; look at 'diff' again", "it runs another since; look at 'hivectl diff' again"),
    ],
)
async def test_what_a_refusal_points_at_is_told_as_a_command(daemon: ScriptedDaemon, verb: str, command: str) -> None:
    daemon.answers["Revoke"] = refused(verb)
    assert await daemon.run("revoke", "7") == (1, "", f"hivectl: {command}\n")


async def test_verbs_in_a_refusal_are_told_as_commands(daemon: ScriptedDaemon) -> None:
    daemon.answers["Kill"] = refused("there is no agent 'list' in this hive; 'list' names those there are")
    ran = await daemon.run("kill", "list")
    assert ran.err == "hivectl: there is no agent 'list' in this hive; 'hivectl list' names those there are\n"


async def test_words_that_are_none_of_the_options_are_refused_off_a_terminal(daemon: ScriptedDaemon) -> None:
    daemon.answers["Questions"] = HostResponse(ok=True, questions=(question(), question(4, options=())))
    ran = await daemon.start("answer", "3", "mane\x1b")
    assert (ran.status, ran.out) == (2, "")
    assert "'mane\\x1b' is none of the options (main | dev): choose one with --choose" in ran.err
    assert "--text" in ran.err
    assert (await daemon.start("answer", "4", "mane")).status == 0
    assert (await daemon.start("answer", "3", "--text", "mane")).status == 0
    assert (await daemon.start("answer", "3", "main")).out == "Question 3 is answered.\n"


async def test_words_that_are_none_of_the_options_are_confirmed_on_a_terminal(
    daemon: ScriptedDaemon, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hyperhive.hivectl.completion.options_of", lambda *_: ("main", "dev"))
    monkeypatch.setattr(sys, "stdin", Terminal("n\n"))
    with pytest.raises(click.ClickException, match="nothing was answered"):
        understood("answer", "3", "mane")
    assert daemon.asked == []
    monkeypatch.setattr(sys, "stdin", Terminal("y\n"))
    assert (await daemon.run("answer", "3", "mane")).status == 0
    assert daemon.asked == [b'{"cmd":"answer","id":3,"answer":"mane"}']
