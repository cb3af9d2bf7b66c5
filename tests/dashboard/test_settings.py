"""Settings and the ledger."""

from __future__ import annotations

from hyperhive import __version__
from tests.daemon.harness import Hive
from tests.dashboard.console import Console


def test_the_facts_of_the_hive_are_told(hive: Hive, console: Console) -> None:
    shown = console.get("/settings")
    for words in (
        f"Version {__version__} ",
        f"Kept on disk in {hive.state} ",
        f"Operator's socket {hive.run / 'host.sock'} ",
        "They isolate nobody",
        f"Console {console.url} ",
        "An inbox holds 10 000 messages",
    ):
        assert words in shown.text


def test_sessions_are_listed_this_one_marked_and_others_ended(
    hive: Hive, console: Console, onlooker: Console
) -> None:  # fmt: skip
    del hive
    shown = console.get("/settings")
    assert "this one" in shown.part("session-1")
    assert "decide" in shown.part("session-1")
    assert "look" in shown.part("session-2")
    after = console.post("/settings/sessions/2/revoke")
    assert "Session 2 is ended." in after.text
    assert "session-2" not in after.ids
    assert onlooker.get("/settings").status == 401
    assert console.post("/settings/sessions/2/revoke").status == 409


def test_who_ends_its_own_session_is_shown_the_way_in(console: Console) -> None:
    assert "hivectl dashboard" in console.post("/settings/sessions/1/revoke").text
    assert console.get("/settings").status == 401


def test_an_onlooker_can_end_no_session(console: Console, onlooker: Console) -> None:
    assert onlooker.get("/settings").decisions == []
    assert onlooker.post("/settings/sessions/1/revoke").status == 403
    assert console.get("/settings").status == 200


def test_what_is_set_for_one_browser_is_led_to(console: Console) -> None:
    shown = console.get("/settings")
    assert {"#theme", "#notify"} <= set(shown.links)
    assert {"theme", "notify"} <= set(shown.ids)


def test_a_ledger_without_entries_says_so(console: Console) -> None:
    assert "Nothing was decided or deployed yet of nobody." in console.get("/ledger", agent="nobody").text


def test_decisions_and_deploys_are_in_the_ledger(hive: Hive, console: Console) -> None:
    with hive.host() as host, hive.manager() as manager:
        host.ask("request_spawn", name="alice", description="to <b>help</b>")
        host.ask("request_spawn", name="bob")
        first, second = [row["id"] for row in host.ask("pending", all=True)["approvals"]][::-1]
        assert host.ask("deny", id=second, note="not now")["ok"]
        operation = host.ask("approve", id=first)["operation"]
        with hive.host() as following:
            following.ask("subscribe")
            while any(row["id"] == operation for row in host.ask("operations")["operations"]):
                following.hear()
        commit = hive.propose("alice", "version = 1\n")
        asked = manager.ask("request_apply_commit", agent="alice", commit_ref=commit)
        assert asked["kind"] != "error", asked
    shown = console.get("/ledger")
    assert "approved" in shown.part(f"approved-{first}")
    assert "<b>help</b>" in shown.part(f"approved-{first}")
    denied = shown.part(f"ended-{second}")
    assert "denied" in denied
    assert "not now" in denied
    only = console.get("/ledger", agent="bob")
    assert f"ended-{second}" in only.ids
    assert f"approved-{first}" not in only.ids


def test_a_ledger_can_t_be_skipped_by_what_is_no_number(console: Console) -> None:
    answer = console.get("/ledger", skip="x")
    assert answer.status == 409
    assert "'skip' is a number of entries" in answer.text
