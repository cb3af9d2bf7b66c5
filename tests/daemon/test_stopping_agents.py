"""A daemon that stops its agents leaves no process behind, whatever was under way."""

from __future__ import annotations

import signal

import pytest

from tests.daemon.harness import Hive

NAMES = [f"agent-{number}" for number in range(6)]


def test_spawns_under_way_leave_no_process_behind(hive: Hive) -> None:
    daemon = hive.start("--stop-agents")
    follower = hive.host()
    assert follower.ask("subscribe")["ok"]
    for name in NAMES:
        assert hive.host().ask("spawn", name=name, wait=False)["ok"]
    while follower.hear()["change"].get("operation", {}).get("state") != "running":
        pass
    daemon.terminate()
    assert hive.processes() == []


@pytest.mark.parametrize("verb", ["spawn", "restart"])
def test_what_is_asked_for_as_the_daemon_ends_leaves_no_process_behind(hive: Hive, verb: str) -> None:
    daemon = hive.start("--stop-agents")
    hosts = [hive.host() for _ in NAMES]
    if verb == "restart":
        for host, name in zip(hosts, NAMES, strict=True):
            assert host.ask("spawn", name=name)["ok"]
    with daemon.held_still():
        for host, name in zip(hosts, NAMES, strict=True):
            host.say(verb, name=name)
        daemon.process.send_signal(signal.SIGTERM)  # it comes with the requests
    daemon.end(signal.SIGCONT)
    assert hive.processes() == []


def test_a_terminal_that_closes_ends_the_daemon_as_sigterm_does(hive: Hive) -> None:
    daemon = hive.start("--stop-agents")
    assert hive.host().ask("spawn", name="alice")["ok"]
    daemon.end(signal.SIGHUP)
    assert hive.processes() == []


def test_a_socket_that_was_taken_away_is_back_after_a_restart(hive: Hive) -> None:
    hive.start()
    host = hive.host()
    assert host.ask("spawn", name="alice")["ok"]
    (hive.run / "agents" / "alice" / "mcp.sock").unlink()
    assert host.ask("restart", name="alice")["ok"]
    assert hive.agent("alice").ask("whoami")["name"] == "alice"
