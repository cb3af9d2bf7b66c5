"""Agents that end unasked, and daemons that go away from under them."""

from __future__ import annotations

import os
import signal

from tests.daemon.client import Client, event, next_event, take_all
from tests.daemon.harness import Hive, ends

OBEDIENT = """
import json, os, signal, socket, sys

if os.environ["HIVE_AGENT"] == "manager":
    signal.pause()
hive = socket.socket(socket.AF_UNIX)
hive.connect(os.environ["HIVE_SOCKET"])
answers = hive.makefile("rb")

def ask(cmd, **fields):
    hive.sendall(json.dumps({"cmd": cmd, **fields}).encode() + b"\\n")
    return json.loads(answers.readline())

for row in ask("recv", max=1)["messages"]:
    sys.exit(int(row["body"]))
signal.pause()
"""


def spawn(hive: Hive, *names: str) -> tuple[Client, Client]:
    """The operator and the manager, once agents of those names run and the manager has read so."""
    host, manager = hive.host(), hive.manager()
    for name in names:
        assert host.ask("spawn", name=name)["ok"]
        next_event(manager, "spawned")
    return host, manager


def test_the_manager_reads_which_signal_killed_an_agent(hive: Hive) -> None:
    hive.start()
    _, manager = spawn(hive, "alice")
    os.kill(hive.pid("alice"), signal.SIGKILL)
    crash = next_event(manager, "container_crash")
    assert crash == {"event": "container_crash", "agent": "alice", "note": "killed by SIGKILL"}
    status = hive.status("alice")
    assert (status["running"], status["failed"]) == (False, True)


def test_the_manager_reads_the_exit_status_and_the_mail_in_hand_comes_again(hive: Hive) -> None:
    hive.start(program=OBEDIENT)
    host, manager = spawn(hive, "alice")
    sent = host.ask("send", to="alice", body="3")["id"]
    assert next_event(manager, "container_crash")["note"] == "exited with status 3"
    (row,) = hive.agent("alice").ask("recv", max=5)["messages"]
    assert (row["id"], row["redelivered"]) == (sent, True)
    assert host.ask("messages", agent="alice", limit=1)["messages"][0]["attempts"] == 1


def test_an_agent_that_is_stopped_on_purpose_did_not_crash(hive: Hive) -> None:
    hive.start()
    host, manager = spawn(hive, "alice", "bob")
    assert host.ask("stop", name="alice")["ok"]
    assert host.ask("restart", name="bob")["ok"]
    os.kill(hive.pid("bob"), signal.SIGKILL)
    assert event(manager.ask("recv")) == {"event": "killed", "agent": "alice"}
    assert event(manager.ask("recv"))["agent"] == "bob"


def test_a_crash_while_the_daemon_was_away_is_reported_once_when_it_is_back(hive: Hive) -> None:
    daemon = hive.start()
    spawn(hive, "alice", "bob")
    pid = hive.pid("alice")
    daemon.kill()
    os.kill(pid, signal.SIGKILL)
    assert ends(pid)

    daemon = hive.start()
    crash = next_event(hive.manager(), "container_crash")
    assert (crash["agent"], crash["note"]) == ("alice", "killed by SIGKILL")
    daemon.terminate()

    hive.start()
    os.kill(hive.pid("bob"), signal.SIGKILL)
    # Agents are looked at by name: had alice's crash been told again, it would stand before bob's.
    assert next_event(hive.manager(), "container_crash")["agent"] == "bob"


def test_agents_outlive_their_daemon_and_are_found_again(hive: Hive) -> None:
    daemon = hive.start()
    host, _ = spawn(hive, "alice", "bob")
    assert host.ask("restart", name="alice")["ok"]
    pids = {name: hive.pid(name) for name in ("alice", "bob")}
    before = {name: hive.status(name) for name in pids}

    for leave in ("terminate", "kill"):
        getattr(daemon, leave)()
        daemon = hive.start()
        for name, pid in pids.items():
            status = hive.status(name)
            assert (status["running"], status["generation"]) == (True, before[name]["generation"])
            assert (status["since"], status["restarts"]) == (before[name]["since"], before[name]["restarts"])
            assert hive.pid(name) == pid
            assert hive.agent(name).ask("whoami")["generation"] == before[name]["generation"]

    manager = hive.manager()
    assert take_all(manager) == []
    os.kill(pids["bob"], signal.SIGKILL)
    assert event(manager.ask("recv"))["agent"] == "bob"


def test_agents_that_end_with_their_daemon_are_started_again_with_the_next(hive: Hive) -> None:
    daemon = hive.start("--stop-agents")
    host, manager = spawn(hive, "alice", "bob")
    assert host.ask("stop", name="bob")["ok"]
    assert [event(row)["event"] for row in take_all(manager)] == ["killed"]
    pid = hive.pid("alice")
    daemon.terminate()
    assert ends(pid)

    hive.start("--stop-agents")
    host = hive.host()
    assert host.ask("start", name="alice")["ok"]
    assert (hive.status("alice")["running"], hive.status("alice")["generation"]) == (True, 2)
    assert hive.pid("alice") != pid
    assert not hive.status("bob")["running"]
    assert take_all(hive.manager()) == []


def test_agents_that_are_just_being_started_end_with_their_daemon_too(hive: Hive) -> None:
    daemon = hive.start("--stop-agents")
    host = hive.host()
    for name in ("alice", "bob", "carol"):
        assert host.ask("spawn", name=name, wait=False)["ok"]
    daemon.terminate()
    assert hive.processes() == []
