"""`hivectl status`."""

from __future__ import annotations

from typing import Any

import pytest

from hyperhive.hivectl.overview import REQUESTS, status
from hyperhive.hivectl.page import View, plain
from hyperhive.wire.records import Backend, Urls
from hyperhive.wire.responses import HostResponse
from hyperhive.wire.states import ApprovalKind, HarnessState, MessageState
from hyperhive.wire.turns import Harness
from tests.hivectl.rows import NOW, agent, approval, held_thread, message, operation, question

FIELDS = ("agent_statuses", "approvals", "questions", "messages", "held", "operations", "urls")


def reply(**fields: Any) -> HostResponse:
    return HostResponse(ok=True, **fields)


def shown(**fields: Any) -> list[str]:
    replies = [reply(**{name: fields.get(name)}) for name in FIELDS]
    replies[0] = reply(**{name: fields.get(name) for name in ("agent_statuses", "backend", "console")})
    replies[1] = reply(approvals=fields.get("approvals"), more=fields.get("more"))
    assert len(replies) == len(REQUESTS)
    return plain(status(replies, View(terminal=True, now=NOW))).splitlines()


def test_what_needs_the_operator_stands_first_with_the_command_for_it() -> None:
    assert shown(
        approvals=(approval(description="writes tests"),),
        questions=(question(), question(4, to="bob")),
        agent_statuses=(agent(), agent("bob", running=False, failed=True, unread=2)),
        messages=(message(state=MessageState.DEAD),),
        held=(held_thread(),),
        urls=Urls(home="http://localhost:8080/"),
    ) == [
        "What needs you",
        "  1 pending approval: hivectl pending",
        '    7  spawn alice, "writes tests", 60 s ago: hivectl approve 7, hivectl deny 7',
        "  1 open question: hivectl questions",
        '    3  alice asks "Which branch?" (main | dev): hivectl answer 3 ...',
        "  1 failed agent: hivectl agents",
        "    bob failed 3 min ago: hivectl logs bob, hivectl start bob",
        "  1 dead letter: hivectl dead-letters",
        '    41  alice to bob, "hello": hivectl requeue 41',
        "  1 held conversation: hivectl held",
        "    12  alice, bob, 3 messages, 60 s ago: hivectl release 12",
        "",
        "NAME   STATE    UNREAD  SINCE",
        "alice  running       0  3 min ago",
        "bob    failed        2  3 min ago",
        "",
        "bob is not running and has 2 unread: hivectl start bob",
        "Quiet, as no running agent has unread mail: hivectl send NAME TEXT gives one work.",
        "",
        "Browser: http://localhost:8080/",
    ]


def test_an_agent_that_failed_and_is_being_started_needs_nobody_as_on_home() -> None:
    bob = agent("bob", running=False, failed=True, operation=12)
    lines = shown(agent_statuses=(agent(), bob), operations=(operation(agent="bob"),))
    assert lines[0] == "Nothing needs you."
    assert any("restart 12" in line for line in lines)


def test_questions_that_one_answer_has_no_room_for_are_counted() -> None:
    replies = [reply() for _ in FIELDS]
    for rows, before in (((question(),), 3), ((question(4, to="bob"),), 1)):
        replies[2] = reply(questions=rows, more=6)
        lines = plain(status(replies, View(terminal=True, now=NOW))).splitlines()
        assert lines[0] == "What needs you"
        assert lines[before].startswith("  6 more open questions, which these leave no room for")


@pytest.mark.parametrize(
    ("agents", "reason"),
    [
        ((), "Quiet, as no agent runs: hivectl start NAME starts one, hivectl spawn NAME makes one."),
        (
            (agent(running=False),),
            "Quiet, as no agent runs: hivectl start NAME starts one, hivectl spawn NAME makes one.",
        ),
        ((agent(paused=True),), "Quiet, as every running agent is paused: hivectl resume NAME lets one go on."),
        (
            (agent("manager"),),
            (
                "Quiet, as the manager has read its mail and has no agents: hivectl send manager TEXT gives it work, "
                "hivectl spawn NAME makes an agent."
            ),
        ),
        (
            (agent("manager"), agent()),
            "Quiet, as no running agent has unread mail: hivectl send NAME TEXT gives one work.",
        ),
    ],
)
def test_a_quiet_hive_says_why(agents: Any, reason: str) -> None:
    lines = shown(agent_statuses=agents)
    assert lines[0] == "Nothing needs you."
    assert lines[-1] == reason


@pytest.mark.parametrize(
    "fields",
    [
        {"agent_statuses": (agent(unread=1),)},
        {"agent_statuses": (agent(in_hand=1),)},
        {"agent_statuses": (agent(turn=7),)},
        {"agent_statuses": (agent(),), "operations": (operation(),)},
    ],
)
def test_a_busy_hive_is_not_called_quiet(fields: Any) -> None:
    assert not [line for line in shown(**fields) if line.startswith("Quiet")]


def test_mail_of_a_paused_agent_is_pointed_out() -> None:
    lines = shown(agent_statuses=(agent(paused=True, unread=3),))
    assert "alice is paused and has 3 unread: hivectl resume alice" in lines


def test_mail_that_a_running_agent_does_not_take_is_pointed_out() -> None:
    ready = Harness(state=HarnessState.READY)
    lines = shown(
        agent_statuses=(
            agent(unread=1, harness=ready),
            agent("bob", unread=1, in_hand=1),
            agent("carol", unread=1, since=NOW - 1),
        )
    )
    assert [line for line in lines if "unread" in line] == [
        f"{name} has 1 unread and has not taken it: hivectl logs {name} says why" for name in ("alice", "carol")
    ]
    assert lines[0] == "Nothing needs you."


def test_mail_of_an_agent_that_can_not_go_on_by_itself_is_pointed_out() -> None:
    lines = shown(
        agent_statuses=(
            agent(unread=2, harness=Harness(state=HarnessState.LIMITED, until=NOW + 7200)),
            agent("bob", unread=1, harness=Harness(state=HarnessState.WAITING, note="it died")),
            agent("carol", unread=1, needs_login=True),
        )
    )
    assert lines[-3:] == [
        "alice waits (limited, goes on in 2 h) and has 2 unread: hivectl logs alice",
        "bob waits (after a failure: it died) and has 1 unread: hivectl logs bob",
        "carol is not logged in and has 1 unread: hivectl login carol",
    ]


def test_who_is_to_be_logged_in_is_shown_with_the_command() -> None:
    harness = Harness(state=HarnessState.NEEDS_LOGIN, note="the token has expired")
    lines = shown(agent_statuses=(agent(needs_login=True, harness=harness), agent("bob", needs_login=True)))
    assert lines[1:4] == [
        "  2 agents to be logged in",
        "    alice, the token has expired: hivectl login alice",
        "    bob: hivectl login bob",
    ]


@pytest.mark.parametrize(
    ("name", "row"),
    [
        ("approvals", approval), ("questions", question), ("messages", message), ("held", held_thread),
        ("agent_statuses", lambda number: agent(f"a{number}", needs_login=True)),
        ("agent_statuses", lambda number: agent(f"a{number}", running=False, failed=True)),
    ],
)  # fmt: skip
def test_a_list_that_is_cut_says_how_many_more_there_are(name: str, row: Any) -> None:
    def lines(count: int) -> list[str]:
        return shown(**{name: tuple(row(number) for number in range(1, count + 1))})

    assert "    and 2 more" in lines(7)
    assert not [line for line in lines(5) if "more" in line]


def test_the_turn_that_an_agent_is_in_stands_beside_it() -> None:
    assert shown(agent_statuses=(agent(turn=7),))[2:4] == [
        "NAME   STATE    UNREAD  TURN  SINCE",
        "alice  running       0     7  3 min ago",
    ]


def test_a_failed_agent_is_shown_with_its_cause() -> None:
    lines = shown(agent_statuses=(agent("bob", running=False, failed=True, failure="killed by SIGKILL"),))
    assert "    bob failed 3 min ago, killed by SIGKILL: hivectl logs bob, hivectl start bob" in lines


def test_an_agent_that_is_started_again_by_itself_is_shown_with_the_time_of_that() -> None:
    bob = agent("bob", running=False, failed=True, failure="exited with status 3", unread=2, restart_at=NOW + 4)
    assert shown(agent_statuses=(bob,)) == [
        "What needs you",
        "  1 failed agent: hivectl agents",
        "    bob failed 3 min ago, exited with status 3, restart in 4 s: hivectl logs bob, hivectl start bob",
        "",
        "NAME  STATE   UNREAD  NEXT START  SINCE      FAILURE",
        "bob   failed       2  in 4 s      3 min ago  exited with status 3",
        "",
        "bob has 2 unread, and takes it after its restart in 4 s",
    ]


def test_the_commits_that_agents_are_made_from_are_left_to_the_list_of_agents() -> None:
    assert shown(agent_statuses=(agent(deployed_sha="c0ffee" * 6),))[2:4] == [
        "NAME   STATE    UNREAD  SINCE",
        "alice  running       0  3 min ago",
    ]


def test_what_agents_are_made_of_leaves_its_room_to_how_they_stand() -> None:
    bob = agent("bob", running=False, failed=True, failure="killed by SIGKILL", active_model="m", parent="manager",
                url="http://bob.localhost/")  # fmt: skip
    assert "NAME  STATE   UNREAD  SINCE      FAILURE" in shown(agent_statuses=(bob,))


def test_a_commit_is_to_be_looked_at_before_it_is_approved() -> None:
    row = approval(3, kind=ApprovalKind.APPLY_COMMIT, commit_ref="c0ff", sha="c0ffee" * 6)
    assert (
        "    3  apply_commit alice c0ffeec0ffee, 60 s ago: hivectl diff 3, hivectl approve 3, hivectl deny 3"
        in shown(approvals=(row,))
    )


def test_a_stale_commit_is_approved_with_the_digest_that_its_diff_shows() -> None:
    row = approval(3, kind=ApprovalKind.APPLY_COMMIT, commit_ref="c0ff", sha="c0ffee" * 6, stale=True)
    assert "    3  apply_commit alice c0ffeec0ffee, 60 s ago, stale: hivectl diff 3, hivectl deny 3" in shown(
        approvals=(row,)
    )


def test_approvals_of_other_kinds_are_counted() -> None:
    assert shown(approvals=(), more=2)[1] == "  2 pending approvals: hivectl pending --all"


def test_that_nothing_can_be_started_is_said_first_with_the_reason() -> None:
    replies = [reply() for _ in FIELDS]
    backend = Backend(kind="nspawn", isolates=True, blind="the system bus is gone since then: it is closed")
    replies[0] = reply(agent_statuses=(agent(),), backend=backend)
    first, second = plain(status(replies, View(terminal=True, now=NOW))).splitlines()[:2]
    assert first == "What needs you"
    assert second == "  Nothing can be started or stopped, as the system bus is gone since then: it is closed"


@pytest.mark.parametrize(
    ("kind", "danger"),
    [
        ("local", ": agents can do what you can, and decide what you decide by opening host.sock."),
        ("nixos", ": whoever becomes root in a container is root on the host."),
        ("of-next-year", "."),
    ],
)
def test_a_backend_that_isolates_nobody_is_named(kind: str, danger: str) -> None:
    replies = [reply() for _ in FIELDS]
    replies[0] = reply(agent_statuses=(agent(),), backend=Backend(kind=kind, isolates=False))
    page = plain(status(replies, View(terminal=True, now=NOW)))
    assert f"Containers are '{kind}', which isolates nobody{danger}" in page.splitlines()


def test_mail_that_nothing_takes_needs_the_operator() -> None:
    lines = shown(agent_statuses=(agent(unread=2), agent("bob", unread=1, harness=Harness(state=HarnessState.READY))))
    assert lines[:3] == [
        "What needs you",
        "  1 agent without anything that takes mail: hivectl agents",
        "    alice has 2 unread, and nothing in it says that it takes mail: hivectl logs alice",
    ]
    assert not [line for line in lines if line.startswith("alice has 2 unread and")]
