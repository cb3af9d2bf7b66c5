"""What needs the operator: in which order, and never nothing while something can't be seen."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import cast

import pytest
from attrs import evolve

from hyperhive.dashboard.happenings import last_words
from hyperhive.dashboard.needs import Standing, look, needs, rest, why_quiet
from hyperhive.dashboard.services import Services
from hyperhive.dashboard.templating import environment
from hyperhive.errors import ContainerError, DatabaseTrouble
from hyperhive.wire.names import MANAGER
from hyperhive.wire.records import AgentStatus
from hyperhive.wire.states import HarnessState
from hyperhive.wire.turns import Harness, TurnEvent
from tests.bench import Bench

IDLE = AgentStatus(name="alice", running=True, failed=False, paused=False, unread=0, restarts=0, generation=1)


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    """A hive's services with alice, who runs, and the manager."""
    made = Bench(tmp_path)
    made.add_agents("alice", MANAGER)
    for service in (made.broker, made.questions, made.lifecycle, made.approvals):
        service.startService()
    yield made
    made.close()


def seen(bench: Bench) -> Standing:
    return bench.get(look(cast("Services", bench)))


def kinds(bench: Bench) -> list[str]:
    return [need.kind for need in needs(seen(bench))]


def test_where_nothing_waits_nothing_is_needed(bench: Bench) -> None:
    assert kinds(bench) == []


def test_a_blind_backend_is_trouble_before_everything_else(bench: Bench) -> None:
    bench.get(bench.approvals.request_spawn("carol", None, MANAGER))
    bench.containers.blind = "systemd does not answer"
    first, second = needs(seen(bench))
    assert (first.kind, first.row) == ("trouble", "Nothing can be started or stopped, as systemd does not answer")
    assert second.kind == "approval"


def test_where_it_is_not_known_who_runs_that_is_trouble(bench: Bench) -> None:
    bench.containers.faults["running"] = ContainerError("the bus is gone")
    (need,) = needs(seen(bench))
    assert need.row == "Which agents run is not known: the bus is gone"


def test_a_database_that_writes_nothing_is_trouble(bench: Bench) -> None:
    bench.database.trouble = DatabaseTrouble("the disk is full")
    assert [need.row for need in needs(seen(bench))] == ["the disk is full"]


def test_what_waits_for_a_decision_is_ordered_by_age_and_what_expires_soon_comes_first(bench: Bench) -> None:
    old = bench.get(bench.questions.ask("alice", None, "Old?", [], None, multi=False))
    bench.pass_time(60)
    asked = bench.get(bench.approvals.request_spawn("carol", None, MANAGER))
    bench.pass_time(60)
    soon = bench.get(bench.questions.ask("alice", None, "Soon?", [], 300, multi=False))
    late = bench.get(bench.questions.ask("alice", None, "Late?", [], 86_400, multi=False))
    assert [need.id for need in needs(seen(bench))] == [
        f"question-{soon}",
        f"question-{old}",
        f"approval-{asked}",
        f"question-{late}",
    ]


def test_an_agent_that_is_started_again_by_itself_is_the_least_urgent(bench: Bench) -> None:
    standing = seen(bench)
    gone = evolve(IDLE, running=False, failed=True)
    agents = [evolve(gone, name="soon", restart_at=standing.now + 4), evolve(gone, name="never")]
    held = bench.get(bench.questions.ask("alice", None, "Why?", [], None, multi=False))
    found = needs(evolve(seen(bench), agents=agents))
    assert [need.id for need in found] == ["failed-never", f"question-{held}", "failed-soon"]


def test_a_crashed_agent_that_is_being_started_needs_nobody(bench: Bench) -> None:
    starting = evolve(IDLE, running=False, failed=True, operation=7)
    assert needs(evolve(seen(bench), agents=[starting])) == []


def test_mail_that_nothing_takes_needs_somebody_once_the_agent_had_time_to_begin(bench: Bench) -> None:
    standing = seen(bench)
    ready = Harness(state=HarnessState.READY)
    agents = [
        evolve(IDLE, name="mute", unread=1, since=standing.now - 60),
        evolve(IDLE, name="young", unread=1, since=standing.now - 5),
        evolve(IDLE, name="works", unread=1, in_hand=1),
        evolve(IDLE, name="quick", unread=1, harness=ready),
        evolve(IDLE, name="paused", unread=1, paused=True),
        evolve(IDLE, name="stopped", unread=1, running=False),
        evolve(IDLE, name="read"),
    ]
    standing = evolve(standing, agents=agents)
    assert [need.id for need in needs(standing)] == ["mute-mute"]
    assert "mute" not in [agent.name for agent in rest(standing)]


def test_home_leads_from_mail_that_nothing_takes_to_the_log_that_says_why() -> None:
    page = environment().from_string('{% import "bits.html" as bits %}{% include "home/mute.html" %}')
    html = page.render(row=evolve(IDLE, unread=2))
    assert "It has 2 unread, and nothing in it says that it takes mail." in html
    assert 'href="/agents/alice/log"' in html


def test_of_whom_something_was_said_nothing_is_said_again(bench: Bench) -> None:
    agents = [IDLE, evolve(IDLE, name="bob", failed=True, running=False), evolve(IDLE, name="dora", needs_login=True)]
    assert [agent.name for agent in rest(evolve(seen(bench), agents=agents))] == ["alice"]


@pytest.mark.parametrize(
    ("agents", "sentence"),
    [
        ([], "There is no agent yet; 'hivectl spawn NAME' makes one."),
        ([IDLE], "1 agent runs."),
        ([IDLE, IDLE], "2 agents run."),
        ([IDLE, evolve(IDLE, paused=True), evolve(IDLE, running=False)], "2 of 3 agents run, 1 of them paused."),
        ([evolve(IDLE, running=False)], "No agent runs: the only one is stopped."),
        ([evolve(IDLE, running=False)] * 2, "No agent runs: all 2 are stopped."),
    ],
)
def test_it_is_said_why_nothing_is_needed(bench: Bench, agents: list[AgentStatus], sentence: str) -> None:
    assert why_quiet(evolve(seen(bench), agents=agents)) == sentence


def test_the_last_thing_heard_of_a_turn_is_told_in_words() -> None:
    def heard(*contents: object) -> tuple[str, int] | None:
        lines = [json.dumps({"type": "assistant", "message": {"content": [content]}}) for content in contents]
        return last_words([TurnEvent(seq=number, at=number, event=line) for number, line in enumerate(lines, 1)][::-1])

    call = {"type": "tool_use", "id": "1", "name": "Bash", "input": {"timeout": 5, "command": "ls\n-l"}}
    assert heard(call) == ("uses Bash: ls -l", 1)
    assert heard(call, {"type": "text", "text": "It is done."}) == ("says: It is done.", 2)
    assert heard({"type": "tool_use", "id": "1", "name": "Stop", "input": {}}) == ("uses Stop", 1)
    assert heard({"type": "tool_result", "tool_use_id": "1", "is_error": True}) == ("a tool failed", 1)
    assert heard() is None
    assert last_words([TurnEvent(seq=1, at=3, event="no JSON at all")]) == ("no JSON at all", 3)
    assert last_words([TurnEvent(seq=1, at=3, event='{"type":"rate_limit_event"}')]) is None
