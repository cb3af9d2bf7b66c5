"""Every tool, called once by the SDK's client: what the daemon knows afterwards."""

from __future__ import annotations

from typing import Any

from tests.agent.tools.clients import called
from tests.agent.tools.conftest import Village


def state_of(hive: Village, number: int) -> str:
    with hive.host() as host:
        (row,) = [row for row in host.ask("messages", limit=100)["messages"] if row["id"] == number]
    return str(row["state"])


def approvals(hive: Village) -> list[tuple[Any, ...]]:
    with hive.host() as host:
        rows = host.ask("pending", all=True)["approvals"]
    return [(row["id"], row["agent"], row["kind"], row["status"], row.get("description")) for row in rows]


def test_send_puts_a_message_into_the_others_inbox(hive: Village) -> None:
    assert not called(hive.alices, "send", to="bob", body="zwölf\n").failed
    with hive.agent("bob") as bob:
        message = bob.ask("recv")
    assert (message["from"], message["body"]) == ("alice", "zwölf\n")


def test_recv_takes_mail_that_stays_in_hand(hive: Village) -> None:
    with hive.host() as host:
        first, second = [host.ask("send", to="alice", body=body)["id"] for body in ("hello", "again")]
    reply = called(hive.alices, "recv")
    assert f"Message {first} from operator" in reply.text
    assert reply.text.endswith(":\n> hello")
    assert reply.unread == "1 more message waits."
    assert (state_of(hive, first), state_of(hive, second)) == ("leased", "queued")


def test_ask_operator_puts_a_question_before_the_operator(hive: Village) -> None:
    called(hive.alices, "ask_operator", question="which?", options=["this", "that"], multi=True, ttl_seconds=60)
    with hive.host() as host:
        (question,) = host.ask("questions")["questions"]
    assert (question["asker"], question["question"], question["options"]) == ("alice", "which?", ["this", "that"])
    assert question["multi"]
    assert question["deadline_at"] == question["asked_at"] + 60


def test_ask_puts_a_question_before_another_agent(hive: Village) -> None:
    called(hive.alices, "ask", to="bob", question="which?")
    with hive.agent("bob") as bob:
        assert '"event":"question_asked"' in bob.ask("recv")["body"]


def test_answer_answers_a_question(hive: Village) -> None:
    with hive.agent("bob") as bob:
        number = bob.ask("ask", to="alice", question="which?", options=["this", "that"])["id"]
        called(hive.alices, "answer", id=number, choices=["that"], text="of course")
        event = bob.ask("recv")["body"]
    assert '"event":"question_answered"' in event
    assert "that" in event
    assert "of course" in event


def test_remind_delivers_a_message_from_reminder(hive: Village) -> None:
    assert not called(hive.alices, "remind", message="water the plants", delay_seconds=0).failed
    with hive.agent("alice") as alice:
        message = alice.ask("recv")
    assert (message["from"], message["body"]) == ("reminder", "water the plants")


def test_set_status_shows_the_operator_what_is_done(hive: Village) -> None:
    called(hive.alices, "set_status", text="reading")
    assert hive.status("alice")["status_text"] == "reading"


def test_get_open_threads_names_what_is_owed(hive: Village) -> None:
    with hive.agent("bob") as bob:
        number = bob.ask("ask", to="alice", question="which?")["id"]
    assert f"You owe bob: question {number}, since " in called(hive.alices, "get_open_threads").text


def test_whoami_says_whose_tools_they_are(hive: Village) -> None:
    assert called(hive.alices, "whoami").text.startswith("You are alice, agent of the hive ")


def test_list_names_every_agent(hive: Village) -> None:
    assert called(hive.managers, "list").text == "alice, bob, manager"


def test_request_spawn_asks_the_operator(hive: Village) -> None:
    called(hive.managers, "request_spawn", name="carol", description="writes tests")
    assert approvals(hive) == [(1, "carol", "spawn", "pending", "writes tests")]


def test_request_init_config_asks_the_operator(hive: Village) -> None:
    called(hive.managers, "request_init_config", name="carol")
    assert approvals(hive) == [(1, "carol", "init_config", "pending", None)]


def test_request_apply_commit_asks_the_operator(hive: Village) -> None:
    commit = hive.propose("alice", "[health]\nwindow = 30\n")
    called(hive.managers, "request_apply_commit", agent="alice", commit_ref=commit, description="less")
    assert approvals(hive) == [(1, "alice", "apply_commit", "pending", "less")]


def test_cancel_approval_withdraws_it(hive: Village) -> None:
    with hive.manager() as manager:
        number = manager.ask("request_spawn", name="carol")["id"]
    called(hive.managers, "cancel_approval", id=number)
    assert [row[3] for row in approvals(hive)] == ["cancelled"]


def test_kill_stops_an_agent(hive: Village) -> None:
    assert called(hive.managers, "kill", name="bob").text == "bob is stopped."
    assert not hive.status("bob")["running"]


def test_start_starts_an_agent(hive: Village) -> None:
    with hive.manager() as manager:
        manager.ask("kill", name="bob")
    assert called(hive.managers, "start", name="bob").text == "bob is started."
    assert hive.status("bob")["running"]


def test_restart_begins_another_start_of_an_agent(hive: Village) -> None:
    assert called(hive.managers, "restart", name="bob").text == "bob is restarted."
    assert (hive.status("bob")["running"], hive.status("bob")["generation"]) == (True, 2)


def test_update_makes_an_agent_anew(hive: Village) -> None:
    reply = called(hive.managers, "update", name="bob", wait=False)
    assert reply.text.startswith("Operation ")
    with hive.host() as host:
        newest = host.ask("operations", all=True)["operations"][0]
    assert (newest["agent"], newest["kind"]) == ("bob", "rebuild")


def test_get_logs_shows_what_an_agent_printed(hive: Village) -> None:
    assert "--- start 1 of bob" in called(hive.managers, "get_logs", agent="bob").text
