"""What agents wait for and what is kept from them, over the death of a real daemon: reminders and held mail."""

from __future__ import annotations

import json
import sqlite3
import subprocess

from hyperhive.layout import Layout
from tests.daemon.client import PATIENCE, Client, event, next_event
from tests.daemon.harness import HIVECTL, Daemon, Hive

RATE = 5


def start(hive: Hive) -> Daemon:
    path = hive.base / "hive.toml"
    path.write_text(f"[mail]\nthread_rate = {RATE}\n")
    return hive.start("--config", str(path))


def thank(one: Client, to: str, seconds: int) -> bool:
    """Take a message and thank for it; False if none came."""
    message = one.ask("recv", wait_seconds=seconds)
    if message["kind"] == "empty":
        return False
    assert one.ask("send", to=to, body="thank you", in_reply_to=message["id"])["kind"] == "ok"
    return True


def test_agents_that_thank_for_ever_are_held_and_stay_so_until_they_are_released(hive: Hive) -> None:
    daemon = start(hive)
    for name in ("alice", "bob"):
        assert hive.host().ask("spawn", name=name)["ok"]
    first = hive.agent("alice").ask("send", to="bob", body="hello")["id"]
    alice, bob = hive.agent("alice"), hive.agent("bob")
    said = 0
    while thank(bob, "alice", 0) if said % 2 == 0 else thank(alice, "bob", 0):
        said += 1
    assert said == RATE + 1
    told = next_event(hive.manager(), "held")
    assert (told["thread"], told["agents"]) == (first, ["alice", "bob"])
    assert event(hive.host().ask("inbox", limit=1)["inbox"][0]) == told

    daemon.kill()
    start(hive)
    (row,) = hive.host().ask("held")["held"]
    assert (row["thread"], row["messages"], row["note"]) == (first, 1, told["note"])
    (held,) = hive.host().ask("messages", limit=1, agent="alice")["messages"]
    assert (held["state"], held["thread"]) == ("held", first)
    sender, receiver = held["from"], held["to"]
    assert hive.agent(sender).ask("receipt", id=held["id"])["state"] == "held"

    waiting = hive.agent(receiver)
    waiting.say("recv", wait_seconds=20)
    hivectl = [HIVECTL, "--socket", str(hive.run / "host.sock")]
    seen = subprocess.run([*hivectl, "status"], capture_output=True, text=True, check=True, timeout=PATIENCE).stdout
    assert f"hivectl release {first}" in seen
    subprocess.run([*hivectl, "release", str(first)], check=True, timeout=PATIENCE)
    assert waiting.hear()["id"] == held["id"]
    assert json.loads(
        subprocess.run([*hivectl, "held", "--json"], capture_output=True, check=True, timeout=PATIENCE).stdout
    )["held"] == []  # fmt: skip


def test_a_reminder_that_came_due_while_no_daemon_ran_is_there_with_the_next(hive: Hive) -> None:
    daemon = start(hive)
    assert hive.host().ask("spawn", name="alice")["ok"]
    with hive.agent("alice") as alice:
        assert alice.ask("remind", message="look", delay_seconds=3600)["kind"] == "ok"
        (row,) = alice.ask("get_open_threads")["rows"]
        assert (row["kind"], row["text"]) == ("reminder", "look")
    daemon.kill()
    an_hour_passes(hive)
    start(hive)
    message = hive.agent("alice").ask("recv", wait_seconds=20)
    assert (message["from"], message["body"]) == ("reminder", "look")


def an_hour_passes(hive: Hive) -> None:
    """What would be due in an hour is due, as far as the next daemon can tell."""
    connection = sqlite3.connect(Layout(state=hive.state, run=hive.run).database)
    with connection:
        connection.execute("UPDATE reminders SET due_at = due_at - 3600")
    connection.close()
