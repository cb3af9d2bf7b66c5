"""Work that a daemon's end cuts short: it is taken up by the next one, and done and told once."""

from __future__ import annotations

import signal

import pytest

from tests.daemon.client import event, line, take_all
from tests.daemon.harness import Hive

NAMES = ("alice", "bob", "carol")


@pytest.mark.parametrize("leave", ["kill", "terminate"])
def test_spawns_are_finished_by_the_next_daemon_and_told_once(hive: Hive, leave: str) -> None:
    daemon = hive.start()
    host = hive.host()
    for name in NAMES:
        assert host.ask("spawn", name=name, wait=False)["ok"]
    getattr(daemon, leave)()

    hive.start()
    host = hive.host()
    for name in (*NAMES, "manager"):
        assert host.ask("start", name=name)["ok"]
        assert (hive.status(name)["running"], hive.status(name)["generation"]) == (True, 1)
    assert len(hive.processes()) == 2 * (len(NAMES) + 1), "each agent is one process and its keeper"
    told = [event(row) for row in take_all(hive.manager())]
    assert sorted(row["agent"] for row in told if row["event"] == "spawned") == list(NAMES)
    assert len(told) == len(NAMES)


def test_an_approval_is_carried_out_and_resolved_once(hive: Hive) -> None:
    daemon = hive.start()
    granted = hive.manager().ask("request_spawn", name="carol")["id"]
    assert hive.host().ask("approve", id=granted)["ok"]
    daemon.kill()

    daemon = hive.start()
    host = hive.host()
    assert host.ask("start", name="carol")["ok"]
    assert "already approved" in host.ask("approve", id=granted)["error"]
    daemon.kill()

    hive.start()
    told = [event(row) for row in take_all(hive.manager())]
    assert [(row["event"], row["agent"]) for row in told] == [("spawned", "carol"), ("approval_resolved", "carol")]
    assert told[1]["status"] == "approved"


def test_a_purge_is_finished_by_the_next_daemon(hive: Hive) -> None:
    daemon = hive.start()
    host = hive.host()
    assert host.ask("spawn", name="dora")["ok"]
    assert host.ask("destroy", name="dora", purge=True, wait=False)["ok"]
    daemon.kill()

    hive.start()
    host = hive.host()
    host.ask("destroy", name="dora", purge=True)  # joins what is under way, or finds that it is done
    assert host.ask("list")["agents"] == ["manager"]
    assert not (hive.state / "agents/dora").exists()
    assert not (hive.run / "agents/dora").exists()
    told = [event(row)["event"] for row in take_all(hive.manager())]
    assert told == ["spawned", "destroyed"]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_peers_that_wait_or_do_not_read_hold_up_no_orderly_end(hive: Hive, number: signal.Signals) -> None:
    daemon = hive.start("--stop-agents")
    assert hive.host().ask("spawn", name="alice")["ok"]
    follower, parked, greedy = hive.host(), hive.agent("alice"), hive.agent("alice")
    assert follower.ask("subscribe")["ok"]
    parked.say("recv", max=1, wait_seconds=180)
    for _ in range(5):
        assert hive.manager().ask("send", to="alice", body="x" * 200_000)["kind"] == "ok"
    greedy.write(line("recv") * 5 + line("recv", wait_seconds=60))
    greedy.wait_for_bytes()
    daemon.end(number)
    assert hive.processes() == []

    hive.start()
    hive.host().ask("start", name="alice")
    rows = take_all(hive.agent("alice"))
    assert [len(row["body"]) for row in rows] == [200_000] * 5
    assert sum(not row["redelivered"] for row in rows) < 5
