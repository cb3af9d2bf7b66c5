"""Errands that last: operations followed to their end, changes until the daemon leaves, and Ctrl-C in between."""

from __future__ import annotations

import io
from typing import Any

from twisted.internet.defer import Deferred

from hyperhive.hivectl.screen import Screen
from hyperhive.wire.codec import HOST
from hyperhive.wire.records import Change
from hyperhive.wire.responses import HostResponse
from hyperhive.wire.states import OperationState
from tests.hivectl.rows import agent, operation
from tests.hivectl.scripted import Conversation, ScriptedDaemon, understood

UNDER_WAY = HostResponse(ok=True, operations=(operation(),))
STARTED = HostResponse(ok=True, operation=12)


def ended(state: OperationState = OperationState.SUCCEEDED, error: str | None = None) -> HostResponse:
    row = operation(state=state, error=error)
    return HostResponse(ok=True, seq=1, change=Change(kind="operation", operation=row))


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
