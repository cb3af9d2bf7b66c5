"""Who subscribes is told of every change, in order and with its row, across leaving, coming back and a restart."""

from __future__ import annotations

from itertools import pairwise

from tests.daemon.client import Answer, Client
from tests.daemon.harness import Hive


def hear_until(follower: Client, kind: str, **fields: object) -> list[Answer]:
    """The lines up to the change of a row of that kind with those fields."""
    lines = [follower.hear()]
    while not fields.items() <= lines[-1]["change"].get(kind, {}).items():
        lines.append(follower.hear())
    return lines


def assert_contiguous(after: int, lines: list[Answer]) -> None:
    """Every change has the number after the one before."""
    numbers = [after, *(line["seq"] for line in lines)]
    assert all(later == earlier + 1 for earlier, later in pairwise(numbers)), numbers


def test_every_kind_of_change_is_told_in_order_with_its_row(hive: Hive) -> None:
    hive.start()
    host, manager, follower = hive.host(), hive.manager(), hive.host()
    start = follower.ask("subscribe")["seq"]

    assert host.ask("spawn", name="alice")["ok"]
    message = host.ask("send", to="alice", body="hello")["id"]
    approval = manager.ask("request_spawn", name="carol", description="to review")["id"]
    question = hive.agent("alice").ask("ask_operator", question="So?")["id"]
    assert host.ask("set_paused", name="alice", paused=True)["ok"]

    lines = hear_until(follower, "agent", name="alice", paused=True)
    assert_contiguous(start, lines)
    changes = [line["change"] for line in lines]
    assert {change["kind"] for change in changes} == {"message", "approval", "question", "operation", "agent"}
    for change in changes:
        assert change.keys() == {"kind", change["kind"]}
    rows = {kind: [change[kind] for change in changes if change["kind"] == kind] for kind in (
        "message", "approval", "question", "operation"
    )}  # fmt: skip
    assert [(row["to"], row["body"]) for row in rows["message"] if row["id"] == message] == [("alice", "hello")]
    assert [(row["id"], row["agent"], row["status"]) for row in rows["approval"]] == [(approval, "carol", "pending")]
    assert [(row["id"], row["asker"], row["question"]) for row in rows["question"]] == [(question, "alice", "So?")]
    assert {(row["agent"], row["kind"]) for row in rows["operation"]} >= {("alice", "spawn")}
    assert rows["operation"][-1]["state"] == "succeeded"


def test_who_comes_back_is_told_what_it_missed(hive: Hive) -> None:
    hive.start()
    host, follower = hive.host(), hive.host()
    start = follower.ask("subscribe")["seq"]
    first = host.ask("send", to="manager", body="first")["id"]
    heard = hear_until(follower, "message", id=first)
    follower.close()

    missed = [host.ask("send", to="manager", body=str(number))["id"] for number in range(100)]
    back = hive.host()
    assert back.ask("subscribe", since=heard[-1]["seq"])["ok"]
    later = host.ask("send", to="manager", body="later")["id"]
    heard += hear_until(back, "message", id=later)
    assert_contiguous(start, heard)
    messages = [change["message"] for line in heard if (change := line["change"])["kind"] == "message"]
    assert [row["id"] for row in messages if row["from"] == "operator"] == [first, *missed, later]


def test_who_comes_back_after_a_restart_is_told_to_read_anew(hive: Hive) -> None:
    daemon = hive.start()
    follower = hive.host()
    assert follower.ask("subscribe")["ok"]
    sent = hive.host().ask("send", to="manager", body="before")["id"]
    last = hear_until(follower, "message", id=sent)[-1]["seq"]
    daemon.terminate()

    hive.start()
    back = hive.host()
    start = back.ask("subscribe", since=last)["seq"]
    assert start > last
    resync = back.hear()
    assert (resync["resync"], resync["seq"], "change" in resync) == (True, start, False)
    sent = hive.host().ask("send", to="manager", body="after")["id"]
    assert_contiguous(start, hear_until(back, "message", id=sent))
