"""Home: what needs the operator is there with what settles it, and what does not is not."""

from __future__ import annotations

import json
import os
import re
import signal
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from tests.daemon.client import next_event
from tests.daemon.harness import Hive
from tests.dashboard.console import FREE, Console

HOSTILE = '<script>alert("1")</script>\u202eevil\u200b \'"><img src=x>'
RATE = 2
SETTINGS = f"[mail]\nmax_attempts = 1\nthread_rate = {RATE}\n"


@pytest.fixture
def console(hive: Hive) -> Console:
    """A session on a hive that gives up soon."""
    path = Path(hive.base) / "hive.toml"
    path.write_text(SETTINGS)
    hive.start(*FREE, "--config", str(path))
    return Console.opened(hive)


def spawn(hive: Hive, *names: str) -> None:
    for name in names:
        assert hive.host().ask("spawn", name=name)["ok"]


def ask(hive: Hive, question: str, *options: str, **more: Any) -> int:
    return int(hive.agent("alice").ask("ask_operator", question=question, options=options, **more)["id"])


def test_where_nothing_waits_home_says_how_many_run_and_when_the_last_message_was(hive: Hive, console: Console) -> None:
    assert console.get("/").part("needs") == "Nothing needs you. 1 agent runs. No message was ever sent."
    spawn(hive, "alice", "bob")
    assert hive.host().ask("send", to="alice", body="hello")["ok"]
    assert re.search(r"3 agents run\. The last message was \d+ s ago\.", console.get("/").part("needs"))
    assert hive.host().ask("stop", name="bob")["ok"]
    assert "2 of 3 agents run." in console.get("/").part("needs")


def test_where_no_agent_runs_home_says_so(hive: Hive, console: Console) -> None:
    assert hive.host().ask("stop", name="manager")["ok"]
    page = console.get("/")
    assert "No agent runs: the only one is stopped." in page.part("needs")
    assert "manager stopped" in page.part("rest")


def test_a_spawn_is_approved_in_place(hive: Hive, console: Console) -> None:
    id_ = hive.manager().ask("request_spawn", name="carol", description="to test")["id"]
    page = console.get("/")
    card = rf"Approval {id_}: make the agent carol manager asked \d+ s ago to test"
    assert re.search(card, page.part("needs"))
    done = console.post(f"/approvals/{id_}", decision="approve", note="welcome")
    assert f"Approval {id_} is granted" in done.text
    resolved = next_event(hive.manager(), "approval_resolved")
    assert (resolved["status"], resolved["note"]) == ("approved", "welcome")
    assert "Nothing needs you." in console.get("/").part("needs")


def test_a_denial_carries_its_comment_to_the_manager(hive: Hive, console: Console) -> None:
    id_ = hive.manager().ask("request_spawn", name="carol")["id"]
    done = console.post(f"/approvals/{id_}", decision="deny", note="not now")
    assert f"Approval {id_} is denied." in done.text
    assert next_event(hive.manager(), "approval_resolved")["note"] == "not now"
    late = console.post(f"/approvals/{id_}", decision="approve", note="what I typed")
    assert late.status == 409
    assert f"approval {id_} was already denied by operator: not now" in late.text
    assert "what I typed" in late.text


def test_a_commit_is_looked_at_before_it_is_approved(hive: Hive, console: Console) -> None:
    spawn(hive, "alice")
    commit = hive.propose("alice", "auto_update = false\n")
    id_ = hive.manager().ask("request_apply_commit", agent="alice", commit_ref=commit)["id"]
    page = console.get("/")
    assert f"/approvals/{id_}" in page.links
    assert f"/approvals/{id_}" not in [form.action for form in page.forms]
    blind = console.post(f"/approvals/{id_}", decision="approve")
    assert blind.status == 409
    assert f"approval {id_} changes a configuration: see what on its own page" in blind.text
    assert "waits for you" in console.get(f"/approvals/{id_}").part("standing")


@pytest.mark.parametrize(
    ("back", "reached"),
    [
        ("/", "/"),
        ("", "/questions"),
        ("//elsewhere.example/", "/questions"),
        ("https://elsewhere.example", "/questions"),
    ],
)
def test_a_decision_leads_back_to_the_page_it_was_taken_on_and_never_off_this_console(
    hive: Hive, console: Console, back: str, reached: str
) -> None:
    spawn(hive, "alice")
    id_ = ask(hive, "Which?", "main", "dev")
    assert console.get("/").form(f"/questions/{id_}/answer").fields["back"] == "/"
    assert console.post(f"/questions/{id_}/answer", choice="dev", back=back).path == reached


def test_a_question_is_answered_in_place_by_choice_and_in_words(hive: Hive, console: Console) -> None:
    spawn(hive, "alice")
    one, several = ask(hive, "Which?", "main", "dev"), ask(hive, "Which ones?", "x", "y", "z", multi=True)
    form = console.get("/").form(f"/questions/{one}/answer")
    assert form.buttons == ["Answer"]
    assert f"Question {one} is answered." in console.post(f"/questions/{one}/answer", choice="dev", text="").text
    console.post(f"/questions/{several}/answer", choice=["x", "z"], text="and w")
    rows = {row["id"]: row for row in hive.host().ask("questions", all=True)["questions"]}
    assert (rows[one]["answer"], rows[one]["answered_by"]) == ("dev", "operator")
    assert rows[several]["answer"] == "x, z, and w"


def test_an_empty_answer_is_refused_and_the_question_stays(hive: Hive, console: Console) -> None:
    spawn(hive, "alice")
    id_ = ask(hive, "Why?")
    refused = console.post(f"/questions/{id_}/answer", text="  ")
    assert refused.status == 409
    assert f"the answer to question {id_} is empty" in refused.text
    assert "Why?" in console.get("/").part("needs")


def test_a_question_that_expires_soon_goes_before_what_is_older(hive: Hive, console: Console) -> None:
    spawn(hive, "alice")
    id_ = hive.manager().ask("request_spawn", name="carol")["id"]
    later, soon = ask(hive, "Later?"), ask(hive, "Soon?", ttl_seconds=60)
    ids = console.get("/").ids
    order = [one for one in ids if one in (f"question-{soon}", f"approval-{id_}", f"question-{later}")]
    assert order[0] == f"question-{soon}"
    assert "expires in" in console.get("/").part(f"question-{soon}")


def test_a_question_between_agents_needs_nobody_here(hive: Hive, console: Console) -> None:
    spawn(hive, "alice", "bob")
    assert hive.agent("alice").ask("ask", to="bob", question="Are you there?", options=[], multi=False)["id"]
    assert "Nothing needs you." in console.get("/").part("needs")


def test_an_agent_that_failed_is_called_so_on_every_page(hive: Hive, console: Console) -> None:
    spawn(hive, "alice")
    os.kill(hive.pid("alice"), signal.SIGKILL)
    next_event(hive.manager(), "container_crash")
    assert "alice failed" in console.get("/").part("needs")
    assert "alice failed" in console.get("/needs").text
    assert "failed" in console.get("/agents").part("agent-alice")


def test_an_agent_that_is_not_logged_in_is_given_a_token_that_no_page_shows(hive: Hive, console: Console) -> None:
    spawn(hive, "alice")
    assert hive.agent("alice").ask("report", state="needs_login", note="the provider refuses the login")["kind"] == "ok"
    page = console.get("/")
    assert "alice not logged in the provider refuses the login Its mail waits until it is logged in." in page.part(
        "needs"
    )
    field = next(attributes for _, attributes in page.tags if attributes.get("name") == "login")
    assert (field["type"], field.get("value")) == ("password", None)
    with hive.agent("alice") as harness, ThreadPoolExecutor() as threads:
        taken = threads.submit(harness.ask, "orders", wait_seconds=20)
        done = console.post("/agents/alice/login", login="sk-secret")
        (order,) = taken.result()["orders"]
    assert (order["order"], order["token"]) == ("login", "sk-secret")
    assert "alice has the token." in done.text
    assert hive.host().ask("stop", name="alice")["ok"]
    refused = console.post("/agents/alice/login", login="sk-secret")
    assert refused.status == 409
    assert "'alice' does not run" in refused.text
    assert "sk-secret" not in refused.html
    assert "sk-secret" not in hive.daemons[-1].log


def test_a_dead_letter_is_sent_again(hive: Hive, console: Console) -> None:
    spawn(hive, "alice")
    id_ = hive.host().ask("send", to="alice", body="try this")["id"]
    alice = hive.agent("alice")
    assert alice.ask("recv", max=1)["messages"]
    assert alice.ask("requeue_inflight", ids=[id_], spent=True)["kind"] == "ok"
    assert f"Message {id_} is a dead letter operator to alice" in console.get("/").part("needs")
    assert f"Message {id_} is queued again." in console.post(f"/mail/{id_}/requeue").text
    assert [row["id"] for row in alice.ask("recv", max=1)["messages"]] == [id_]


def test_a_held_conversation_is_let_go(hive: Hive, console: Console) -> None:
    spawn(hive, "alice", "bob")
    alice, bob = hive.agent("alice"), hive.agent("bob")
    thread = alice.ask("send", to="bob", body="hello")["id"]
    for one, other in (bob, "alice"), (alice, "bob"), (bob, "alice"):
        id_ = one.ask("recv")["id"]
        assert one.ask("send", to=other, body="thank you", in_reply_to=id_)["kind"] == "ok"
    page = console.get("/")
    assert "A conversation is held: alice, bob 1 message waits since" in page.part("needs")
    assert f"Conversation {thread} goes on." in console.post(f"/mail/held/{thread}/release").text
    assert "Nothing needs you." in console.get("/").part("needs")


def test_who_is_in_a_turn_is_there_with_its_message_and_what_was_heard_last(hive: Hive, console: Console) -> None:
    spawn(hive, "alice")
    hive.host().ask("send", to="alice", body=f"mend the roof {HOSTILE}")
    alice = hive.agent("alice")
    ids = [row["id"] for row in alice.ask("recv", max=1)["messages"]]
    turn = alice.ask("begin_turn", ids=ids, runner="claude")["id"]
    used = {"type": "tool_use", "id": "1", "name": "Bash", "input": {"command": f"ls {HOSTILE}"}}
    event = json.dumps({"type": "assistant", "message": {"content": [used]}})
    assert alice.ask("turn_events", turn=turn, first=1, events=[event])["kind"] == "ok"
    page = console.get("/")
    work = page.part(f"work-turn-{turn}")
    assert f"message {ids[0]} of operator: “mend the roof" in work
    assert "Bash" in work
    assert "<script>alert" not in page.html
    assert "alice" not in page.part("rest")


def test_an_agent_whose_provider_takes_no_more_says_until_when(hive: Hive, console: Console) -> None:
    spawn(hive, "alice")
    assert hive.agent("alice").ask("report", state="limited", until=4_000_000_000)["kind"] == "ok"
    assert "alice limited until in" in console.get("/").part("rest")


def test_what_agents_write_is_shown_and_does_nothing(hive: Hive, console: Console) -> None:
    spawn(hive, "alice")
    hive.manager().ask("request_spawn", name="carol", description=HOSTILE)
    id_ = ask(hive, HOSTILE, HOSTILE, "plain")
    assert hive.agent("alice").ask("set_status", text=HOSTILE)["kind"] == "ok"
    page = console.get("/")
    assert not [tag for tag, _ in page.tags if tag == "img"]
    assert "alert(" not in " ".join(str(attributes) for tag, attributes in page.tags if tag == "script")
    assert "U+202E" in page.part(f"question-{id_}")
    assert "\u202e" not in page.part("needs")
    assert len(page.ids) == len(set(page.ids))
    done = console.post(f"/questions/{id_}/answer", choice=HOSTILE)
    assert f"Question {id_} is answered." in done.text


def test_who_may_only_look_sees_it_all_and_no_button(hive: Hive, console: Console, onlooker: Console) -> None:
    spawn(hive, "alice")
    id_ = hive.manager().ask("request_spawn", name="carol")["id"]
    question = ask(hive, "Which?", "main", "dev")
    os.kill(hive.pid("alice"), signal.SIGKILL)
    next_event(hive.manager(), "container_crash")
    page = onlooker.get("/")
    assert "3 things need you." in page.part("needs")
    assert "main" in page.part(f"question-{question}")
    assert page.decisions == []
    assert "decide" not in page.part("needs")
    assert onlooker.send(f"/approvals/{id_}", {"decision": "approve"}).status == 403
    assert console.get("/").form(f"/approvals/{id_}").buttons == ["Approve", "Deny"]
