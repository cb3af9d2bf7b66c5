"""The list of agents: how each stands, what may be done to it, what is kept of those that are gone."""

from __future__ import annotations

import os
import re
import signal

import pytest

from tests.daemon.harness import Hive
from tests.dashboard.console import FREE, Console
from tests.dashboard.shown import Shown
from tests.dashboard.working import HOSTILE, Worker, call, says, text

STUBBORN = """
import signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
open({ready!r}, "w").write("ready")
time.sleep(1000)
"""


def ended(hive: Hive) -> None:
    """Return when no operation is under way."""
    with hive.host() as host, hive.host() as following:
        assert following.ask("subscribe")["ok"]
        while host.ask("operations")["operations"]:
            following.hear()


def deeds(page: Shown, name: str) -> list[str]:
    """The words of the buttons of an agent's form."""
    return page.form(f"/agents/{name}/operate").buttons


def test_a_new_agent_is_spawned_by_its_name(hive: Hive, console: Console) -> None:
    page = console.post("/agents", name="bob")
    assert page.path == "/agents"
    assert "bob is being spawned" in page.text
    (operation,) = {link for link in page.links if link.startswith("/operations?id=")}
    assert "bob" in console.get(operation).part("operations")
    ended(hive)
    page = console.get("/agents")
    assert "running" in page.part("agent-bob")
    assert re.search(r"[\d.]+ [KM]iB, \d+ s CPU", page.part("agent-manager"))
    assert "/agents/bob" in page.links
    assert deeds(page, "bob") == ["Stop bob", "Restart bob", "Rebuild bob", "Pause bob"]


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("", "an agent needs a name; type one"),
        ("Bob", "'Bob' is no agent name: it must be a lower-case letter, then lower-case letters, digits or '-'"),
        ("manager", "'manager' is a reserved name; choose another one"),
        (HOSTILE, "is no agent name"),
        ("bob", "there is an agent 'bob' already; 'start', 'restart' or 'rebuild' it, or choose another name"),
    ],
)
def test_a_name_that_no_new_agent_may_have_is_refused_with_a_sentence(
    hive: Hive, console: Console, name: str, sentence: str
) -> None:
    Worker(hive)
    page = console.post("/agents", name=name)
    assert page.status == 409
    assert sentence in page.text
    assert ("script", {}) not in page.tags


def test_an_agent_is_stopped_and_started_and_rebuilt(hive: Hive, console: Console) -> None:
    Worker(hive)
    assert "bob is stopping (operation" in console.post("/agents/bob/operate", what="stop", back="/agents").text
    ended(hive)
    page = console.get("/agents")
    assert "stopped" in page.part("agent-bob")
    assert deeds(page, "bob") == ["Start bob", "Rebuild bob", "Pause bob"]
    for what, said in (("start", "starting"), ("restart", "restarting"), ("rebuild", "being rebuilt")):
        page = console.post("/agents/bob/operate", what=what, back="/agents/bob")
        assert page.path == "/agents/bob"
        assert f"bob is {said} (operation" in page.text
        ended(hive)
    assert hive.status("bob")["running"]


def test_an_operation_under_way_stands_where_the_buttons_were(hive: Hive) -> None:
    ready = hive.base / "ready"
    os.mkfifo(ready)
    hive.start(*FREE, program=STUBBORN.format(ready=str(ready)))
    assert ready.read_text() == "ready"
    console = Console.opened(hive)
    page = console.post("/agents/manager/operate", what="stop", back="/agents")
    assert "stopping" in page.part("agent-manager")
    assert "/agents/manager/operate" not in [form.action for form in page.forms]
    (link,) = {link for link in page.links if link.startswith("/operations?id=")}
    assert "manager is stopping" in console.get(link).text
    os.kill(hive.pid("manager"), signal.SIGKILL)
    ended(hive)
    assert "stopped" in console.get("/agents").part("agent-manager")


def test_a_paused_agent_says_so_until_it_is_resumed(hive: Hive, console: Console) -> None:
    Worker(hive)
    page = console.post("/agents/bob/operate", what="pause", back="/agents")
    assert "bob starts no new turn until it is resumed." in page.text
    assert "paused" in page.part("agent-bob")
    assert "Resume bob" in deeds(page, "bob")
    page = console.post("/agents/bob/operate", what="resume", back="/agents")
    assert "paused" not in page.part("agent-bob")


def test_a_deed_on_nobody_or_of_no_kind_is_a_sentence(console: Console) -> None:
    page = console.post("/agents/nobody/operate", what="stop")
    assert (page.status, "there is no agent 'nobody' in this hive" in page.text) == (409, True)
    page = console.post("/agents/manager/operate", what=HOSTILE)
    assert page.status == 409
    assert "there is no such deed" in page.text
    assert ("script", {}) not in page.tags
    assert console.get("/agents/nobody").status == 404
    assert console.get("/agents/nobody/destroy").status == 404
    assert console.get("/agents/nobody/log").status == 404


def test_the_manager_can_not_be_destroyed(console: Console) -> None:
    assert "/agents/manager/destroy" not in console.get("/agents").links
    page = console.post("/agents/manager/destroy")
    assert page.status == 409
    assert "the manager can't be destroyed; 'stop' it, or 'rebuild' it" in page.text
    assert console.post("/agents/manager/purge", typed="manager").status == 409


def test_what_is_kept_of_a_destroyed_agent_is_revived_or_purged(hive: Hive, console: Console) -> None:
    Worker(hive)
    page = console.get("/agents/bob/destroy")
    assert page.form("/agents/bob/destroy").buttons == ["Destroy bob"]
    assert "bob is being destroyed" in console.post("/agents/bob/destroy").text
    ended(hive)
    page = console.get("/agents")
    assert "agent-bob" not in page.ids
    assert "Revive" in page.part("kept-bob")
    console.post("/agents", name="bob")
    ended(hive)
    page = console.get("/agents")
    assert "kept-bob" not in page.ids
    assert "running" in page.part("agent-bob")
    console.post("/agents/bob/destroy")
    ended(hive)
    page = console.post("/agents/bob/purge", typed="Bob")
    assert page.status == 409
    assert "nothing was purged: type the name 'bob'" in page.text
    assert "kept-bob" in console.get("/agents").ids
    console.post("/agents/bob/purge", typed="bob")
    ended(hive)
    assert "kept-bob" not in console.get("/agents").ids
    assert not (hive.state / "agents/bob").exists()


def test_nothing_is_done_by_looking(hive: Hive, console: Console) -> None:
    Worker(hive)
    assert console.get("/agents/bob/purge").status == 405
    assert console.get("/agents/bob/operate", what="stop").status == 405
    console.get("/agents/bob/destroy")
    assert hive.status("bob")["running"]


def test_who_may_only_look_does_nothing_to_agents(hive: Hive, onlooker: Console) -> None:
    Worker(hive)
    page = onlooker.get("/agents")
    assert "running" in page.part("agent-bob")
    assert "#new" not in page.links
    assert "Actions" not in page.text
    forms: tuple[tuple[str, dict[str, str | list[str]]], ...] = (
        ("/agents", {"name": "eve"}),
        ("/agents/bob/operate", {"what": "stop"}),
        ("/agents/bob/destroy", {}),
        ("/agents/bob/purge", {"typed": "bob"}),
        ("/agents/bob/order", {"what": "compact"}),
        ("/mail/new", {"to": "bob", "body": "hi"}),
    )
    for path, fields in forms:
        assert onlooker.post(path, **fields).status == 403, path
    with hive.host() as host:
        assert host.ask("list")["agents"] == ["bob", "manager"]
        assert host.ask("messages", limit=9, agent="bob")["messages"] == []
    assert hive.status("bob")["running"]


def test_the_row_says_what_is_worked_on_with_which_tool_and_what_was_spent(hive: Hive, console: Console) -> None:
    bob = Worker(hive)
    bob.begin("fix the\nlights")
    bob.tell(says(text("well"), call("Bash", command="ls")))
    row = console.get("/agents").part("agent-bob")
    assert "working" in row
    assert f"turn {bob.turn}, began" in row
    assert "last tool Bash" in row
    assert "on mail of operator: “fix the”" in row
    assert "opus" in row
    bob.end(usage={"input_tokens": 1200, "output_tokens": 34, "cost_micros": 120_000})
    row = console.get("/agents").part("agent-bob")
    assert "running" in row
    assert "1 234 tokens, $0.12 in 1 turn" in row


@pytest.mark.parametrize(
    ("report", "words"),
    [
        ({"state": "needs_login", "note": "no token"}, "needs login no token"),
        ({"state": "limited", "until": 4_000_000_000}, "limited until in"),
        ({"state": "waiting", "until": 4_000_000_000, "note": "no net"}, "waiting after a failure until in"),
    ],
)
def test_the_row_says_why_an_agent_begins_nothing(
    hive: Hive, console: Console, report: dict[str, str | int], words: str
) -> None:
    assert Worker(hive).client.ask("report", **report)["kind"] != "err"
    assert words in console.get("/agents").part("agent-bob")


def test_a_failed_agent_says_why(hive: Hive, console: Console) -> None:
    Worker(hive)
    with hive.host() as following:
        assert following.ask("subscribe")["ok"]
        os.kill(hive.pid("bob"), signal.SIGKILL)
        while not hive.status("bob")["failed"]:
            following.hear()
    row = console.get("/agents").part("agent-bob")
    assert "failed" in row
    assert "SIGKILL" in row


def test_the_list_is_filtered_by_text_and_by_state(hive: Hive, console: Console) -> None:
    Worker(hive)
    ids = console.get("/agents", text="BO").ids
    assert ("agent-bob" in ids, "agent-manager" in ids) == (True, False)
    console.post("/agents/bob/operate", what="pause")
    ids = console.get("/agents", state="paused").ids
    assert ("agent-bob" in ids, "agent-manager" in ids) == (True, False)
    page = console.get("/agents", text=HOSTILE)
    assert "No agent is as the filter wants it." in page.text
    assert ("script", {}) not in page.tags
    assert page.form("/agents").fields["text"] == HOSTILE


def test_what_agents_say_is_text_and_nothing_else(hive: Hive, console: Console) -> None:
    bob = Worker(hive)
    assert bob.client.ask("set_status", text=HOSTILE)["kind"] != "err"
    page = console.get("/agents")
    assert "<script>alert(1)</script>" in page.part("agent-bob")
    assert ("script", {}) not in page.tags
    bob.begin(HOSTILE)
    bob.tell(says(call(HOSTILE)))
    page = console.get("/agents")
    assert "last tool <script>alert(1)</script>" in page.part("agent-bob")
    assert ("script", {}) not in page.tags


def test_an_id_is_on_the_page_once(hive: Hive, console: Console) -> None:
    Worker(hive)
    for path in ("/agents", "/agents/bob", "/agents/bob/log", "/operations"):
        ids = console.get(path).ids
        assert len(ids) == len(set(ids)), path
