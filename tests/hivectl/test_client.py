"""Errands against a daemon that says what it was told to."""

from __future__ import annotations

import errno
import grp
import io
import os
import pwd
import sys
from pathlib import Path
from typing import Any

import click
import pytest
from twisted.internet.defer import Deferred

from hyperhive.hivectl import reaching
from hyperhive.hivectl.screen import Screen
from hyperhive.wire.codec import AGENT, HOST
from hyperhive.wire.records import Change
from hyperhive.wire.responses import Err, HostResponse
from hyperhive.wire.states import OperationState
from tests.hivectl.rows import agent, operation, question
from tests.hivectl.scripted import Conversation, ScriptedDaemon, Terminal, refused, understood

UNDER_WAY = HostResponse(ok=True, operations=(operation(),))
STARTED = HostResponse(ok=True, operation=12)


def ended(state: OperationState = OperationState.SUCCEEDED, error: str | None = None) -> HostResponse:
    row = operation(state=state, error=error)
    return HostResponse(ok=True, seq=1, change=Change(kind="operation", operation=row))


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


async def test_work_off_a_terminal_is_one_request_that_lasts(daemon: ScriptedDaemon) -> None:
    assert await daemon.run("restart", "alice") == (0, "alice is restarted.\n", "")
    assert daemon.asked == [b'{"cmd":"restart","name":"alice"}']


async def test_work_that_nobody_waits_for_gives_its_operation(daemon: ScriptedDaemon) -> None:
    daemon.answers["Restart"] = STARTED
    ran = await daemon.run("restart", "alice", "--no-wait")
    assert ran == (0, "Under way as operation 12: hivectl operations --all shows how it ends.\n", "")
    assert daemon.asked == [b'{"cmd":"restart","name":"alice","wait":false}']


async def test_work_on_a_terminal_is_followed_to_its_end(daemon: ScriptedDaemon) -> None:
    def last_line(conversation: Conversation, _request: Any) -> None:
        conversation.say(HostResponse(ok=True, log=("still\x07 at it",)))
        for follower in followers:
            follower.say(ended())

    followers: list[Conversation] = []
    daemon.answers |= {"Restart": STARTED, "Operations": UNDER_WAY, "Logs": last_line}
    daemon.answers["Subscribe"] = _following(followers)
    ran = await daemon.run("restart", "alice", terminal=True)
    assert (ran.status, ran.out) == (0, "alice is restarted.\n")
    assert "restart alice (operation 12, running) | still\\x07 at it" in ran.err
    assert ran.err.endswith("\r\x1b[K")
    assert "\x07" not in ran.err


async def test_several_agents_on_a_terminal_are_followed_to_the_last_end(daemon: ScriptedDaemon) -> None:
    over = operation(13, agent="bob", state=OperationState.FAILED, error="bob has left")
    daemon.answers |= {
        "Stop": HostResponse(ok=True, operation=12, operations=(operation(), operation(13, agent="bob"))),
        "Operations": HostResponse(ok=True, operations=(over, operation())),
        "Subscribe": _telling(ended()),
    }
    ran = await daemon.run("stop", "alice", "bob", terminal=True)
    assert (ran.status, ran.out) == (1, "")
    assert ran.err.endswith("hivectl: bob has left\n")
    assert daemon.asked[0] == b'{"cmd":"stop","scope":{"agent_names":["alice","bob"]},"wait":false}'


async def test_several_operations_that_nobody_waits_for_are_all_named(daemon: ScriptedDaemon) -> None:
    daemon.answers["Stop"] = HostResponse(ok=True, operation=12, operations=(operation(), operation(13)))
    ran = await daemon.run("stop", "alice", "bob", "--no-wait")
    assert ran.out == "Under way as operations 12, 13: hivectl operations --all shows how it ends.\n"


async def test_approve_waits_for_the_operation_that_it_started(daemon: ScriptedDaemon) -> None:
    daemon.answers |= {"Approve": STARTED, "Operations": UNDER_WAY, "Subscribe": _telling(ended())}
    ran = await daemon.run("approve", "7", "--wait")
    assert ran == (0, "Approval 7 is granted, and what it asked for is done.\n", "")


async def test_approve_fails_with_the_error_of_its_operation(daemon: ScriptedDaemon) -> None:
    failed = ended(OperationState.FAILED, "it did not start")
    daemon.answers |= {"Approve": STARTED, "Operations": UNDER_WAY, "Subscribe": _telling(failed)}
    assert await daemon.run("approve", "7", "--wait") == (1, "", "hivectl: it did not start\n")


async def test_an_operation_whose_end_is_unknown_is_no_success(daemon: ScriptedDaemon) -> None:
    lost = ended(OperationState.UNKNOWN)
    daemon.answers |= {"Approve": STARTED, "Operations": UNDER_WAY, "Subscribe": _telling(lost)}
    ran = await daemon.run("approve", "7", "--wait")
    assert ran == (1, "", "hivectl: operation 12: restart alice, unknown.\n")


async def test_an_operation_that_ended_before_we_looked_is_seen(daemon: ScriptedDaemon) -> None:
    over = HostResponse(ok=True, operations=(operation(state=OperationState.SUCCEEDED),))
    daemon.answers |= {"Approve": STARTED, "Operations": over}
    assert (await daemon.run("approve", "7", "--wait")).status == 0


async def test_a_gap_in_the_changes_is_closed_by_looking_again(daemon: ScriptedDaemon) -> None:
    answers = [HostResponse(ok=True, operations=(operation(state=OperationState.SUCCEEDED),)), UNDER_WAY]
    daemon.answers |= {
        "Approve": STARTED,
        "Operations": lambda conversation, _request: conversation.say(answers.pop()),
        "Subscribe": _telling(HostResponse(ok=True, resync=True, seq=9)),
    }
    assert (await daemon.run("approve", "7", "--wait")).status == 0
    assert answers == []


async def test_an_operation_that_is_forgotten_is_told_of(daemon: ScriptedDaemon) -> None:
    daemon.answers |= {"Approve": STARTED}
    ran = await daemon.run("approve", "7", "--wait")
    assert ran.status == 1
    assert "does not know operation 12" in ran.err


async def test_ctrl_c_in_a_wait_says_that_the_operation_goes_on(daemon: ScriptedDaemon) -> None:
    followers: list[Conversation] = []
    subscribed: Deferred[None] = Deferred()
    daemon.answers |= {"Approve": STARTED, "Operations": UNDER_WAY}
    daemon.answers["Subscribe"] = _following(followers, subscribed)
    status, err = await _interrupted(daemon, subscribed, "approve", "7", "--wait")
    assert status == 130
    assert err == "hivectl: interrupted; operation 12 goes on, hivectl operations shows it\n"


async def test_ctrl_c_in_a_lasting_request_says_so_too(daemon: ScriptedDaemon) -> None:
    asked: Deferred[None] = Deferred()
    daemon.answers["Kill"] = lambda *_: asked.callback(None)
    status, err = await _interrupted(daemon, asked, "kill", "alice")
    assert status == 130
    assert err == "hivectl: interrupted; the operation goes on, hivectl operations shows it\n"


async def test_ctrl_c_elsewhere_says_nothing(daemon: ScriptedDaemon) -> None:
    asked: Deferred[None] = Deferred()
    daemon.answers["List"] = lambda *_: asked.callback(None)
    assert await _interrupted(daemon, asked, "list") == (130, "")


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


async def test_events_are_followed_until_the_daemon_leaves(daemon: ScriptedDaemon) -> None:
    def subscribe(conversation: Conversation, _request: Any) -> None:
        conversation.say(HostResponse(ok=True, seq=0))
        conversation.say(ended())
        conversation.say(HostResponse(ok=True, resync=True, seq=9))
        conversation.transport.loseConnection()

    daemon.answers["Subscribe"] = subscribe
    ran = await daemon.run("events")
    assert ran.status == 3
    assert [line.partition("Z ")[2] or line for line in ran.out.splitlines()] == [
        "operation 12: restart alice, succeeded",
        "some changes were missed: hivectl status shows how all stands.",
    ]
    raw = await daemon.run("events", "--json")
    assert raw.out.splitlines()[1] == HOST.line_of_answer(ended()).decode()
    assert len(raw.out.splitlines()) == 3


async def test_agents_that_are_followed_are_first_shown_and_then_told_of(daemon: ScriptedDaemon) -> None:
    followers: list[Conversation] = []

    def roster(conversation: Conversation, _request: Any) -> None:
        conversation.say(HostResponse(ok=True, agent_statuses=(agent(),)))
        for follower in followers:
            follower.say(HostResponse(ok=True, agent_statuses=(agent(unread=4),)))
            follower.transport.loseConnection()

    daemon.answers |= {"AgentStatus": roster, "SubscribeAgentStatus": _following(followers)}
    ran = await daemon.run("agents", "--follow")
    assert ran.out.splitlines()[0].startswith("NAME")
    assert ran.out.splitlines()[2].endswith("alice: running, 4 unread")


async def test_a_reader_that_has_enough_ends_the_following_quietly(daemon: ScriptedDaemon) -> None:
    class Closed(io.StringIO):
        def write(self, _text: str) -> int:
            raise BrokenPipeError

    daemon.answers["Subscribe"] = _telling(ended())
    errand, settings = understood("events")
    err = io.StringIO()
    assert await daemon.client(settings, Screen(Closed(), err)).run(errand) == 0
    assert err.getvalue() == ""


async def test_a_mistake_of_ours_is_one_sentence(daemon: ScriptedDaemon, monkeypatch: pytest.MonkeyPatch) -> None:
    errand, settings = understood("list")
    screen = Screen(io.StringIO(), io.StringIO())
    monkeypatch.setattr(Screen, "show", lambda *_: 1 / 0)
    assert await daemon.client(settings, screen).run(errand) == 1
    assert screen.err.getvalue() == "hivectl: internal error, please report it: ZeroDivisionError: division by zero\n"  # type: ignore[attr-defined]


async def test_no_daemon_is_told_with_every_path_and_its_reason(tmp_path: Path) -> None:
    from twisted.internet import reactor

    from hyperhive.hivectl.client import Client

    errand, settings = understood("list")
    screen = Screen(io.StringIO(), Terminal())
    (tmp_path / "file").touch()
    too_long = "/" + "x" * 120
    paths = (str(tmp_path / "none"), str(tmp_path / "file"), str(tmp_path / "file" / "below"), too_long)
    assert await Client(reactor, paths, settings, screen).run(errand) == 3
    told = screen.err.getvalue()  # type: ignore[attr-defined]
    assert f"{paths[0]} does not exist" in told
    assert f"{paths[1]} is no socket" in told
    assert f"{paths[2]} does not exist" in told
    assert "longer than the 107 bytes" in told
    assert "'make run'" in told
    assert "'twistd -n hyperhive'" in told
    assert len(told.splitlines()) == 1


async def unreached(*paths: Path) -> str:
    """What is said where nobody can be reached at those paths."""
    from twisted.internet import reactor

    with pytest.raises(reaching.UnreachableError) as told:
        await reaching.connect(reactor, [str(path) for path in paths])
    return str(told.value)


async def test_where_the_daemon_is_a_service_its_start_is_told(
    short_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reaching, "SERVICE", short_path / "hyperhive.service")
    paths = (short_path / "one.sock", short_path / "other.sock")
    assert "'make run'" in await unreached(*paths)
    reaching.SERVICE.touch()
    told = await unreached(*paths)
    assert "'systemctl status hyperhive'" in told
    assert "'systemctl start hyperhive'" in told
    assert "make run" not in told


async def test_a_socket_that_is_not_open_to_us_is_told_with_the_group_that_operates_it(
    short_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def closed(*_: object) -> None:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    groups = [one for one in grp.getgrall() if one.gr_gid and (os.geteuid() == 0 or one.gr_gid in os.getgroups())]
    if not groups:
        pytest.skip("there is no group to give a directory to")
    group = groups[0]
    user = pwd.getpwuid(os.geteuid()).pw_name
    os.chown(short_path, -1, group.gr_gid)
    monkeypatch.setattr(reaching, "_connected", closed)
    assert await unreached(short_path / "host.sock", short_path / "other.sock") == (
        f"no daemon reached: {short_path}/host.sock is not open to you; {short_path}/other.sock is not open to you; "
        f"its operators are the group {group.gr_name!r}: 'sudo usermod -aG {group.gr_name} {user}', then log in again."
    )


async def test_who_named_a_socket_is_not_told_to_start_a_daemon_that_would_have_another(
    daemon: ScriptedDaemon, short_path: Path
) -> None:
    daemon.path = str(short_path / "none.sock")
    told = f"{daemon.path} does not exist; start the daemon that has this socket, or name another one with --socket."
    assert await daemon.run("list") == (3, "", f"hivectl: no daemon reached: {told}\n")


@pytest.mark.parametrize("arguments", ["list", "status", "events", "kill alice", "approve 7 --wait"])
async def test_an_agents_socket_is_called_one(daemon: ScriptedDaemon, arguments: str) -> None:
    line = AGENT.line_of_answer(Err("unknown 'cmd' \"list\""))
    daemon.answers |= dict.fromkeys(["List", "AgentStatus", "Subscribe", "Kill", "Approve"], line)
    told = f"hivectl: {daemon.path} is an agent's socket; use the operator's, host.sock in the hive's run directory\n"
    assert await daemon.run(*arguments.split()) == (1, "", told)


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


@pytest.mark.skipif(os.geteuid() == 0, reason="root may open everything")
async def test_a_socket_that_is_not_ours_to_open_is_told_of(daemon: ScriptedDaemon) -> None:
    Path(daemon.path).chmod(0)
    ran = await daemon.run("list")
    assert ran.status == 3
    assert "is not open to you; try as root" in ran.err


def _following(followers: list[Conversation], subscribed: Deferred[None] | None = None) -> Any:
    """Acknowledge a subscription, and keep the conversation for later lines."""

    def subscribe(conversation: Conversation, _request: Any) -> None:
        conversation.say(HostResponse(ok=True, seq=0))
        followers.append(conversation)
        if subscribed is not None:
            subscribed.callback(None)

    return subscribe


def _telling(*answers: HostResponse) -> Any:
    """Acknowledge a subscription, and tell these at once."""

    def subscribe(conversation: Conversation, _request: Any) -> None:
        for answer in (HostResponse(ok=True, seq=0), *answers):
            conversation.say(answer)

    return subscribe


async def _interrupted(daemon: ScriptedDaemon, when: Deferred[None], *arguments: str) -> tuple[int, str]:
    """Run a command, and cancel it, as Ctrl-C does, when the daemon has got that far."""
    errand, settings = understood(*arguments)
    err = io.StringIO()
    running = Deferred.fromCoroutine(daemon.client(settings, Screen(io.StringIO(), err)).run(errand))
    await when
    running.cancel()
    return await running, err.getvalue()
