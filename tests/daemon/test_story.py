"""A day in a hive, told over its real sockets."""

from __future__ import annotations

import subprocess

from tests.daemon.client import event, next_event
from tests.daemon.harness import HIVECTL, Hive

CORRESPONDENT = """
import json, os, signal, socket

me, peer = os.environ["HIVE_AGENT"], {"alice": "bob", "bob": "alice"}.get(os.environ["HIVE_AGENT"])
if peer is None:
    signal.pause()
hive = socket.socket(socket.AF_UNIX)
hive.connect(os.environ["HIVE_SOCKET"])
answers = hive.makefile("rb")

def ask(cmd, **fields):
    hive.sendall(json.dumps({"cmd": cmd, **fields}).encode() + b"\\n")
    return json.loads(answers.readline())

while True:
    message = ask("recv")
    if message["kind"] == "message" and message["from"] == peer:
        ask("send", to="manager", body=f"{me} heard {message['body']} in reply to {message.get('in_reply_to')}")
        if "in_reply_to" not in message:
            ask("send", to=peer, body="well, thank you", in_reply_to=message["id"])
    elif message["kind"] == "message" and message["from"] == "operator":
        ask("send", to=peer, body=message["body"])
"""


def test_two_agents_write_to_each_other_and_the_operator_is_heard_by_all(hive: Hive) -> None:
    hive.start(program=CORRESPONDENT)
    host, manager = hive.host(), hive.manager()
    for name in ("alice", "bob"):
        assert host.ask("spawn", name=name)["ok"]
        assert next_event(manager, "spawned") == {"event": "spawned", "agent": name, "ok": True}
    assert host.ask("list")["agents"] == ["alice", "bob", "manager"]

    sent = host.ask("send", to="alice", body="how are you?")
    assert sent["ok"]
    first, second = manager.ask("recv"), manager.ask("recv")
    assert (first["from"], first["body"]) == ("bob", "bob heard how are you? in reply to None")
    assert second["from"] == "alice"
    assert second["body"].startswith("alice heard well, thank you in reply to ")

    assert len(manager.ask("send", to="*", body="all hands")["ids"]) == 2
    assert len(host.ask("send", to="*", body="well done")["ids"]) == 3
    assert manager.ask("recv")["body"] == "well done"
    assert {manager.ask("recv")["body"] for _ in range(2)} == {
        f"{name} heard well done in reply to None" for name in ("alice", "bob")
    }


def test_a_new_agent_needs_the_operators_word(hive: Hive) -> None:
    hive.start()
    host, manager = hive.host(), hive.manager()
    wanted = manager.ask("request_spawn", name="carol", description="to review")["id"]
    unwanted = manager.ask("request_spawn", name="dave")["id"]
    assert [row["agent"] for row in host.ask("pending")["approvals"]] == ["carol", "dave"]

    assert host.ask("approve", id=wanted)["ok"]
    assert event(manager.ask("recv")) == {"event": "spawned", "agent": "carol", "ok": True}
    resolved = event(manager.ask("recv"))
    assert (resolved["event"], resolved["id"], resolved["status"]) == ("approval_resolved", wanted, "approved")
    assert host.ask("list")["agents"] == ["carol", "manager"]
    assert hive.agent("carol").ask("whoami")["name"] == "carol"

    assert host.ask("deny", id=unwanted, note="one reviewer is enough")["ok"]
    resolved = event(manager.ask("recv"))
    assert (resolved["id"], resolved["status"], resolved["note"]) == (unwanted, "denied", "one reviewer is enough")
    assert "denied" in host.ask("approve", id=unwanted)["error"]
    assert host.ask("list")["agents"] == ["carol", "manager"]
    assert host.ask("pending")["approvals"] == []


def test_the_operator_answers_a_question_with_hivectl(hive: Hive) -> None:
    hive.start()
    assert hive.host().ask("spawn", name="alice")["ok"]
    alice = hive.agent("alice")
    question = alice.ask("ask_operator", question="Which colour?", options=["red", "blue"])["id"]

    hivectl = [HIVECTL, "--socket", str(hive.run / "host.sock"), "answer", str(question), "--choose"]
    offered = subprocess.run([*hivectl, "green"], capture_output=True, text=True, check=False)
    assert offered.returncode == 1
    assert "'red', 'blue'" in offered.stderr
    subprocess.run([*hivectl, "red"], capture_output=True, check=True)

    answered = event(alice.ask("recv"))
    assert (answered["event"], answered["id"], answered["answer"]) == ("operator_answered", question, "red")
    late = subprocess.run([*hivectl, "blue"], capture_output=True, text=True, check=False)
    assert late.returncode == 1
    assert "red" in late.stderr


def test_a_question_nobody_answers_expires_even_if_its_time_comes_while_the_daemon_is_away(hive: Hive) -> None:
    daemon = hive.start()
    assert hive.host().ask("spawn", name="alice")["ok"]
    alice = hive.agent("alice")
    soon = alice.ask("ask_operator", question="Now?", ttl_seconds=1)["id"]
    expired = event(alice.ask("recv"))
    assert (expired["id"], expired["answer"], expired["outcome"]) == (soon, "[expired]", "expired")

    later = alice.ask("ask_operator", question="Then?", ttl_seconds=1)["id"]
    daemon.kill()
    hive.start()
    expired = next_event(hive.agent("alice"), "operator_answered")
    assert (expired["id"], expired["outcome"]) == (later, "expired")
    assert hive.host().ask("questions")["questions"] == []


def test_what_an_agent_kept_comes_back_with_it_until_it_is_purged(hive: Hive) -> None:
    hive.start()
    host, manager = hive.host(), hive.manager()
    diary = hive.state / "agents/dora/state/diary"
    for name in ("dora", "alice"):
        assert host.ask("spawn", name=name)["ok"]
    assert manager.ask("send", to="dora", body="for your return")["kind"] == "ok"
    commit = hive.propose("dora", "auto_update = false\n")
    waiting = manager.ask("request_apply_commit", agent="dora", commit_ref=commit)["id"]
    diary.write_text("dear diary\n")

    assert host.ask("destroy", name="dora")["ok"]
    assert next_event(manager, "destroyed")["agent"] == "dora"
    assert not (hive.run / "agents/dora").exists()
    assert next_event(manager, "approval_resolved")["id"] == waiting
    assert host.ask("list")["agents"] == ["alice", "manager"]
    assert "dora" in manager.ask("send", to="dora", body="are you there?")["message"]

    assert host.ask("spawn", name="dora")["ok"]
    assert diary.read_text() == "dear diary\n"
    assert hive.status("dora")["generation"] == 2
    mail = hive.agent("dora").ask("recent", limit=5)["rows"]
    assert [row["body"] for row in mail] == ["for your return"]

    assert host.ask("destroy", name="dora", purge=True)["ok"]
    bounced = next_event(manager, "bounced")
    assert (bounced["to"], bounced["id"]) == ("dora", mail[0]["id"])
    assert not (hive.state / "agents/dora").exists()
    assert host.ask("spawn", name="dora")["ok"]
    assert hive.agent("dora").ask("recv", wait_seconds=0) == {"kind": "empty"}


def test_the_manager_can_not_be_destroyed(hive: Hive) -> None:
    hive.start()
    host = hive.host()
    assert host.ask("start", name="manager")["ok"]
    assert "manager" in host.ask("destroy", name="manager", purge=True)["error"]
    assert hive.status("manager")["running"]
