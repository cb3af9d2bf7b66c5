"""Agents that crash are started again by a real daemon, as its configuration says, over its own death too."""

from __future__ import annotations

import os
import signal

from tests.daemon.client import event, take_all
from tests.daemon.harness import Daemon, Hive

EXITS = """
import os, signal, sys

if os.environ["HIVE_AGENT"] == "alice":
    sys.exit(3)
signal.pause()
"""


def start(hive: Hive, policy: str) -> Daemon:
    """A daemon with that in its file; alice ends at once with status 3, and the manager sleeps."""
    path = hive.base / "hive.toml"
    path.write_text(policy)
    return hive.start("--config", str(path), program=EXITS)


def heard(hive: Hive, last: str) -> list[dict[str, object]]:
    """What the manager reads, up to the first event of that name."""
    manager = hive.manager()
    found: list[dict[str, object]] = []
    while not found or found[-1]["event"] != last:
        found.append(event(manager.ask("recv", wait_seconds=20)))
    manager.ask("recv", wait_seconds=0)
    return found


def starts(hive: Hive) -> list[dict[str, object]]:
    """Every start of alice that was asked for."""
    rows = hive.host().ask("operations", all=True)["operations"]
    return [row for row in rows if (row["agent"], row["kind"]) == ("alice", "start")]


def test_an_agent_that_ends_each_time_is_started_so_often_and_then_given_up(hive: Hive) -> None:
    daemon = start(hive, '[restart]\nattempts = 3\npause = 0.1\nwindow = 60\n[agents.alice]\nrestart = "on-crash"\n')
    assert hive.host().ask("spawn", name="alice")["ok"]
    spawned, *crashes, given_up = heard(hive, "restart_given_up")
    note = "exited with status 3; given up after 3 restarts in 1 minute"
    assert spawned["event"] == "spawned"
    assert [(crash["event"], crash["note"]) for crash in crashes] == [("container_crash", "exited with status 3")] * 4
    assert ["restart_at" in crash for crash in crashes] == [True, True, True, False]
    assert given_up == {"event": "restart_given_up", "agent": "alice", "note": note}
    assert [row["requested_by"] for row in starts(hive)] == ["system"] * 3
    status = hive.status("alice")
    assert (status["failed"], status["failure"], status["restarts"], status["generation"]) == (True, note, 3, 4)
    assert f"alice is not started again: {note}" in daemon.log


def test_a_restart_that_is_owed_when_the_daemon_is_killed_is_made_once_by_the_next(hive: Hive) -> None:
    policy = '[restart]\nattempts = 1\npause = {0}\nlongest-pause = {0}\n[agents.alice]\nrestart = "on-crash"\n'
    daemon = start(hive, policy.format(3600))
    assert hive.host().ask("spawn", name="alice")["ok"]
    *_, crash = heard(hive, "container_crash")
    assert hive.status("alice")["restart_at"] == crash["restart_at"]
    daemon.kill()
    assert "is started again" not in daemon.log

    # What is further off than the longest pause, which is shorter now, is due.
    daemon = start(hive, policy.format(1))
    # It ends with status 3 again, and that was the only attempt: nothing more can come after this.
    assert [it["event"] for it in heard(hive, "restart_given_up")] == ["container_crash", "restart_given_up"]
    assert len(starts(hive)) == 1
    assert (hive.status("alice")["generation"], hive.status("alice")["restarts"]) == (2, 1)
    assert daemon.log.count("alice is started again") == 1
    assert take_all(hive.manager()) == []


def test_the_manager_is_started_again_without_being_asked_to(hive: Hive) -> None:
    hive.start()
    host = hive.host()
    assert host.ask("start", name="manager")["ok"]
    pid = hive.pid("manager")
    os.kill(pid, signal.SIGKILL)
    crash = event(hive.manager().ask("recv", wait_seconds=20))
    assert (crash["event"], crash["agent"], crash["note"]) == ("container_crash", "manager", "killed by SIGKILL")
    host.say("subscribe_agent_status")
    while not (hive.status("manager")["running"] and hive.status("manager")["generation"] == 2):
        host.hear()
    assert hive.pid("manager") != pid
