"""What would break off a turn is asked for once more, on a page that says which turn that is."""

from __future__ import annotations

import pytest

from tests.daemon.harness import Hive
from tests.dashboard.console import Console
from tests.dashboard.working import HOSTILE, Worker


@pytest.mark.parametrize("what", ["stop", "restart", "rebuild"])
def test_a_turn_is_broken_off_only_by_who_has_seen_that_it_is_under_way(
    hive: Hive, console: Console, what: str
) -> None:
    bob = Worker(hive)
    turn = bob.begin(f"fix the lights {HOSTILE}")
    row = console.get("/agents").form("/agents/bob/operate")
    assert "Stop … bob" in row.buttons
    asked = console.post("/agents/bob/operate", what=what, back="/agents/bob")
    assert asked.status == 200
    assert f"{what.capitalize()} bob in the middle of a turn?" in asked.text
    assert f"turn {turn}, began" in asked.text
    assert "on mail of operator: “fix the lights" in asked.text
    assert ("script", {}) not in asked.tags
    assert "operation" not in hive.status("bob")
    form = asked.form("/agents/bob/operate")
    assert form.buttons == [f"{what.capitalize()} bob all the same"]
    done = console.post(form.action, **{**form.fields, "what": what})
    assert done.path == "/agents/bob"
    assert "(operation" in done.text


def test_who_leaves_a_turn_alone_may_pause_after_it(hive: Hive, console: Console) -> None:
    bob = Worker(hive)
    bob.begin()
    asked = console.post("/agents/bob/operate", what="stop")
    assert "/agents" in asked.links
    assert "Pause it: no turn begins after this one" in asked.text
    assert "bob starts no new turn" in console.post("/agents/bob/operate", what="pause").text
    assert "working" not in console.get("/agents").part("agent-manager")


@pytest.mark.parametrize("back", ["//elsewhere.example/", "https://elsewhere.example"])
def test_the_page_that_asks_leads_nowhere_else(hive: Hive, console: Console, back: str) -> None:
    Worker(hive).begin()
    asked = console.get("/agents/bob/sure", what="stop", back=back)
    assert back not in asked.links
    assert asked.form("/agents/bob/operate").fields["back"] == "/agents"


def test_where_no_turn_is_under_way_nothing_is_asked(hive: Hive, console: Console) -> None:
    Worker(hive)
    assert "bob is stopping (operation" in console.post("/agents/bob/operate", what="stop").text
    assert console.get("/agents/bob/sure", what="stop").status == 303
    assert "bob is in no turn any more; nothing was done." in console.get("/agents").text
