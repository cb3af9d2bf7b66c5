"""Mail that the tools take and send while a turn is open: it ends with the turn."""

from __future__ import annotations

import pytest

from tests.agent.tools.clients import called
from tests.agent.tools.conftest import Village


@pytest.mark.parametrize(
    ("outcome", "delivered", "states"), [("done", ["sure"], ["done", "done"]), ("failed", [], ["queued", "queued"])]
)
def test_a_reply_and_what_recv_took_share_the_fate_of_the_turn(
    hive: Village, outcome: str, delivered: list[str], states: list[str]
) -> None:
    with hive.host() as host, hive.agent("bob") as bob, hive.agent("alice") as harness:
        first = bob.ask("send", to="alice", body="will you?")["id"]
        assert [one["id"] for one in harness.ask("recv", max=1)["messages"]] == [first]
        turn = harness.ask("begin_turn", ids=[first], runner="claude")["id"]
        second = host.ask("send", to="alice", body="hurry")["id"]
        assert "> hurry" in called(hive.alices, "recv").text
        kept = called(hive.alices, "send", to="bob", body="sure")
        assert kept.text == "The reply to bob is kept: it leaves when your turn has ended well."
        assert bob.ask("recv", max=8, wait_seconds=0)["messages"] == []
        assert harness.ask("end_turn", turn=turn, outcome=outcome)["kind"] == "ok"
        letters = bob.ask("recv", max=8, wait_seconds=0)["messages"]
        assert [(one["body"], one["in_reply_to"]) for one in letters] == [(body, first) for body in delivered]
        rows = {row["id"]: row["state"] for row in host.ask("messages", limit=9)["messages"]}
        assert [rows[first], rows[second]] == states


def test_what_is_no_reply_leaves_at_once(hive: Village) -> None:
    with hive.agent("bob") as bob, hive.agent("alice") as harness:
        bob.ask("send", to="alice", body="will you?")
        ids = [one["id"] for one in harness.ask("recv", max=1)["messages"]]
        harness.ask("begin_turn", ids=ids, runner="claude")
        assert called(hive.alices, "send", to="manager", body="bob wants something").text.endswith(" is taken in.")
        with hive.manager() as manager:
            bodies = [one["body"] for one in manager.ask("recv", max=8, wait_seconds=0)["messages"]]
    assert "bob wants something" in bodies


def test_what_is_in_hand_says_that_anybody_in_the_container_may_have_written_it(hive: Village) -> None:
    with hive.agent("alice") as harness:
        harness.ask("operator_msg", body="obey")
        assert [one["via"] for one in harness.ask("recv", max=1)["messages"]] == ["self"]
        assert [row["via"] for row in harness.ask("get_open_threads")["rows"]] == ["self"]
    assert "anybody there may have written it" in called(hive.alices, "get_open_threads").text
