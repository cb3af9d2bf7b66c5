"""Approvals: what is asked for is shown as it is, decided once, and what was seen is what runs."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.daemon.client import next_event
from tests.daemon.harness import Hive
from tests.dashboard.console import Console

HEALTHY = "[health]\ncommand = ['true']\n"
"""What an agent that says nothing needs to be deployed."""
HOSTILE = "</td><script>alert('1')</script>\u202e\u200b"


@pytest.fixture
def alice(hive: Hive, console: Console) -> str:
    """An agent that is there."""
    assert hive.host().ask("spawn", name="alice")["ok"]
    return "alice"


def propose(hive: Hive, text: str, description: str | None = None, name: str = "alice") -> int:
    commit = hive.propose(name, text)
    asked = {"agent": name, "commit_ref": commit, "description": description}
    return int(hive.manager().ask("request_apply_commit", **asked)["id"])


def seen(console: Console, id_: int) -> dict[str, str]:
    """What the form to decide holds on the page as it is now."""
    return {name: value for name, value in console.get(f"/approvals/{id_}").form(f"/approvals/{id_}").fields.items()
            if name == "digest"}  # fmt: skip


def test_the_list_has_what_waits_and_then_what_was_decided(hive: Hive, console: Console, alice: str) -> None:
    manager = hive.manager()
    first, second = (manager.ask("request_spawn", name=name)["id"] for name in ("carol", "dave"))
    commit = propose(hive, "auto_update = false\n", "less work")
    assert hive.host().ask("deny", id=first, note="no room")["ok"]
    page = console.get("/approvals")
    waiting = page.part("waiting")
    assert re.search(f"Approval {second} make the agent dave manager . s ago waits for you", waiting)
    assert f"Approval {commit} {alice} is to be made from commit" in waiting
    assert "less work" in waiting
    assert re.search(f"Approval {first} make the agent carol denied operator . s ago no room", page.part("decided"))
    only = console.get("/approvals", agent="carol")
    assert "No approval of carol waits for you." in only.part("waiting")
    assert f"Approval {first}" in only.part("decided")


def test_the_list_says_that_it_is_empty(console: Console) -> None:
    page = console.get("/approvals")
    assert "No approval waits for you." in page.part("waiting")
    assert "None was decided yet." in page.part("decided")


def test_a_commit_is_shown_line_by_line_and_in_words(hive: Hive, console: Console, alice: str) -> None:
    id_ = propose(hive, "auto_update = false\n[environment]\nA = 'x'\n", "it needs A")
    page = console.get(f"/approvals/{id_}")
    assert f"Approval {id_}: {alice} is to be made from commit" in page.text
    assert "it needs A" in page.text
    assert "agent.toml changed, 2 added" in page.part("file-1")
    rows = page.html.split("<tr")
    assert [row for row in rows if 'class="add"' in row and "+auto_update = false" in row]
    assert "The variable A is set, to 'x'." in page.text
    assert "can be made from it" in page.text
    assert list(seen(console, id_)) == ["digest"]


def test_a_yes_with_a_comment_is_carried_out_and_told_on_the_same_page(
    hive: Hive, console: Console, alice: str
) -> None:
    id_ = propose(hive, HEALTHY)
    done = console.post(f"/approvals/{id_}", decision="approve", note="go on", **seen(console, id_))
    assert done.path == f"/approvals/{id_}"
    assert f"Approval {id_} is granted; operation" in done.text
    assert "deploy of alice" in done.part("standing")
    resolved = next_event(hive.manager(), "approval_resolved")
    assert (resolved["id"], resolved["status"], resolved["note"]) == (id_, "approved", "go on")
    after = console.get(f"/approvals/{id_}")
    assert "approved and done by operator" in after.part("standing")
    assert "go on" in after.part("standing")
    assert f"/approvals/{id_}" not in [form.action for form in after.forms]
    assert hive.status(alice)["deployed_sha"] in after.text


@pytest.mark.usefixtures("alice")
def test_what_was_decided_is_told_in_the_past_with_what_it_was_to_change(hive: Hive, console: Console) -> None:
    id_ = propose(hive, HEALTHY)
    asked = console.get(f"/approvals/{id_}")
    assert "what alice is made from now" in asked.text
    console.post(f"/approvals/{id_}", decision="approve", **seen(console, id_))
    assert next_event(hive.manager(), "approval_resolved")["status"] == "approved"
    page = console.get(f"/approvals/{id_}")
    assert "What it was to change" in page.text
    assert "what alice was made from when it was decided" in page.text
    assert page.part("file-1") == asked.part("file-1")
    now = console.get(f"/approvals/{id_}", against="running")
    assert "what alice is made from now" in now.text
    assert "both commits hold the same files" in now.text


def test_an_action_that_fails_is_told_on_the_same_page(hive: Hive, console: Console) -> None:
    id_ = hive.manager().ask("request_spawn", name="carol")["id"]
    blocked = Path(hive.state) / "agents/carol"
    blocked.parent.mkdir(parents=True, exist_ok=True)
    blocked.write_text("no directory")
    console.post(f"/approvals/{id_}", decision="approve", note="I try")
    assert next_event(hive.manager(), "approval_resolved")["status"] == "failed"
    page = console.get(f"/approvals/{id_}")
    assert "failed by operator" in page.part("standing")
    assert "carol" in page.part("operation")
    assert "I try" in page.part("standing")


@pytest.mark.usefixtures("alice")
def test_what_was_not_seen_is_not_approved_and_the_comment_stays(hive: Hive, console: Console) -> None:
    first = propose(hive, HEALTHY)
    second = propose(hive, f"auto_update = false\n{HEALTHY}")
    old = seen(console, second)
    console.post(f"/approvals/{first}", decision="approve", **seen(console, first))
    assert next_event(hive.manager(), "approval_resolved")["id"] == first
    assert "alice is made from another commit than when this was asked for" in console.get(f"/approvals/{second}").text
    refused = console.post(f"/approvals/{second}", decision="approve", note="all my words", **old)
    assert refused.status == 409
    assert f"the digest is not that of what approval {second} changes now" in refused.text
    assert "all my words" in refused.text
    assert hive.host().ask("pending")["approvals"][0]["id"] == second
    done = console.post(f"/approvals/{second}", decision="approve", **seen(console, second))
    assert f"Approval {second} is granted" in done.text


def test_of_two_browsers_the_second_reads_who_decided_what(hive: Hive, console: Console) -> None:
    other = Console.opened(hive)
    id_ = hive.manager().ask("request_spawn", name="carol")["id"]
    assert other.get(f"/approvals/{id_}").form(f"/approvals/{id_}").buttons == ["Approve", "Deny"]
    console.post(f"/approvals/{id_}", decision="deny", note="no room")
    late = other.post(f"/approvals/{id_}", decision="approve", note="but I want her")
    assert late.status == 409
    assert f"approval {id_} was already denied by operator: no room" in late.text
    assert "but I want her" in late.text
    assert "denied by operator" in late.part("standing")
    assert f"/approvals/{id_}" not in [form.action for form in late.forms]


def test_what_reaches_further_is_approved_by_who_says_to_have_seen_it(hive: Hive, console: Console, alice: str) -> None:
    id_ = propose(hive, "network = 'host'\n")
    assert "reaches further Its network becomes host" in console.get(f"/approvals/{id_}").text
    given = seen(console, id_)
    refused = console.post(f"/approvals/{id_}", decision="approve", note="well", **given)
    assert refused.status == 409
    assert f"{alice} is to reach more of the host than it does" in refused.text
    assert (
        f"Approval {id_} is granted" in console.post(f"/approvals/{id_}", decision="approve", seen="yes", **given).text
    )


@pytest.mark.usefixtures("alice")
def test_against_something_else_it_is_shown_and_not_approved(hive: Hive, console: Console) -> None:
    first = propose(hive, "auto_update = false\n")
    second = propose(hive, "auto_update = false\n[environment]\nA = 'x'\n")
    page = console.get(f"/approvals/{second}", against="previous-proposal")
    assert "agent.toml changed, 2 added" in page.part("file-1")
    assert page.form(f"/approvals/{second}").buttons == ["Deny"]
    none = console.get(f"/approvals/{first}", against="previous-proposal")
    assert "It can't be shown:" in none.text


@pytest.mark.usefixtures("alice")
def test_what_hides_in_a_diff_is_shown_and_does_nothing(hive: Hive, console: Console) -> None:
    id_ = propose(hive, f'[environment]\nA = "{HOSTILE}"\n', HOSTILE)
    page = console.get(f"/approvals/{id_}")
    assert page.status == 200
    assert "<script>alert" not in page.html
    assert "\u202e" not in page.html
    assert "\u200b" not in page.html
    assert "U+202E" in page.part("file-1")
    assert "<script>alert" not in console.get("/approvals").html
    assert len(page.ids) == len(set(page.ids))


@pytest.mark.usefixtures("alice")
def test_a_long_file_is_folded(hive: Hive, console: Console) -> None:
    long = "".join(f"# line {number}\n" for number in range(300))
    id_ = propose(hive, f"auto_update = false\n{long}")
    page = console.get(f"/approvals/{id_}")
    (file,) = [attributes for tag, attributes in page.tags if tag == "details" and attributes.get("id") == "file-1"]
    assert "open" not in file
    assert "folded as it is long" in page.part("file-1")
    assert "# line 299" in page.part("file-1")


@pytest.mark.usefixtures("alice")
def test_who_may_only_look_has_no_button(hive: Hive, console: Console, onlooker: Console) -> None:
    id_ = propose(hive, "auto_update = false\n")
    page = onlooker.get(f"/approvals/{id_}")
    assert "agent.toml changed" in page.part("file-1")
    assert f"/approvals/{id_}" not in [form.action for form in page.forms]
    assert onlooker.send(f"/approvals/{id_}", {"decision": "approve"}).status == 403
    assert console.get(f"/approvals/{id_}").form(f"/approvals/{id_}").buttons == ["Approve", "Deny"]


def test_one_that_is_not_there_is_not_found(console: Console) -> None:
    assert console.get("/approvals/999").status == 404
    assert console.post("/approvals/999", decision="approve").status == 404
    assert console.get("/approvals/none").status == 404


def test_a_form_without_a_decision_decides_nothing(hive: Hive, console: Console) -> None:
    id_ = hive.manager().ask("request_spawn", name="carol")["id"]
    refused = console.post(f"/approvals/{id_}", decision="perhaps", note="hm")
    assert refused.status == 409
    assert "'decision' must be 'approve' or 'deny'" in refused.text
    assert [row["id"] for row in hive.host().ask("pending")["approvals"]] == [id_]
