"""What is typed in one form outlives the sending of another, and a daemon that is away."""

from __future__ import annotations

from playwright.sync_api import expect

from tests.browser.desk import Desk
from tests.browser.relay import Relay


def test_what_is_typed_and_chosen_elsewhere_is_still_there_when_one_thing_was_decided(desk: Desk) -> None:
    alice, manager = desk.hive.agent("alice"), desk.hive.manager()
    first = alice.ask("ask_operator", question="Which colour?")["id"]
    second = alice.ask("ask_operator", question="Which of these?", options=["red", "blue"])["id"]
    manager.ask("request_spawn", name="carol", description="to review")
    page = desk.window((800, 500)).page
    page.locator(f"[action='/questions/{first}/answer'] textarea").fill("a long answer")
    page.locator(f"[action='/questions/{second}/answer']").get_by_label("blue").check()
    page.get_by_role("button", name="Deny").click()
    expect(page.locator(".said")).to_be_visible()
    expect(page.locator(f"[action='/questions/{first}/answer'] textarea")).to_have_value("a long answer")
    expect(page.locator(f"[action='/questions/{second}/answer']").get_by_label("blue")).to_be_checked()
    page.locator(f"[action='/questions/{first}/answer']").get_by_role("button", name="Answer").click()
    expect(page.locator(f"[action='/questions/{second}/answer']").get_by_label("blue")).to_be_checked()
    page.reload()
    expect(page.locator(f"[action='/questions/{second}/answer']").get_by_label("blue")).not_to_be_checked()


def test_a_form_is_not_sent_to_a_daemon_that_is_away_and_is_when_it_is_back(bare: Desk) -> None:
    daemon = bare.start()
    bare.ask("spawn", name="alice", wait=True)
    question = bare.hive.agent("alice").ask("ask_operator", question="Which colour?")["id"]
    window = bare.window()
    window.expected = lambda fault: "ERR_" in fault
    page = window.page
    page.locator(f"[action='/questions/{question}/answer'] textarea").fill("green")
    daemon.kill()
    expect(page.locator("#live")).to_contain_text("Not live")
    page.get_by_role("button", name="Answer").click()
    expect(page.locator("#live")).to_contain_text("Not sent, for the daemon does not answer")
    assert page.url == f"{bare.url}/"
    bare.start()
    expect(page.locator("#live")).to_be_hidden()
    page.get_by_role("button", name="Answer").click()
    expect(page.locator(".said")).to_be_visible()
    (answered,) = [one for one in bare.ask("questions", all=True)["questions"] if one["id"] == question]
    assert answered["answer"] == "green"


def test_neither_a_secret_nor_anything_after_leaving_is_kept(desk: Desk) -> None:
    alice = desk.hive.agent("alice")
    question = alice.ask("ask_operator", question="Which colour?")["id"]
    assert alice.ask("report", state="needs_login")["kind"] == "ok"
    page = desk.window().page
    page.locator("[type=password]").fill("sk-secret")
    page.locator(f"[action='/questions/{question}/answer'] textarea").fill("a long answer")
    page.get_by_role("button", name=f"Cancel question {question}").click()
    expect(page.locator(".said")).to_be_visible()
    kept = "JSON.stringify(sessionStorage)"
    assert "sk-secret" not in page.evaluate(kept)
    expect(page.locator("[type=password]")).to_have_value("")
    page.get_by_role("button", name="Log out").click()
    expect(page).not_to_have_url(f"{desk.url}/")
    assert "hive-drafts" not in page.evaluate(kept)


def test_that_a_form_was_not_sent_is_said_until_the_feed_is_back_though_nothing_changed(
    bare: Desk, relay: Relay
) -> None:
    bare.hive.agent("alice").ask("ask_operator", question="Which colour?")
    window = bare.window()
    window.expected = lambda fault: "ERR_" in fault
    page = window.page
    relay.wait_for_streams(1)
    relay.close()
    expect(page.locator("#live")).to_contain_text("Not live")
    page.get_by_role("button", name="Answer").click()
    expect(page.locator("#live")).to_contain_text("Not sent")
    again = Relay(bare.port, at=relay.port)
    again.wait_for_streams(1)
    expect(page.locator("#live")).to_be_hidden()
    window.leave()
    again.close()
