"""Who is let in, and what becomes of pages that are open when that ends."""

from __future__ import annotations

import subprocess

from playwright.sync_api import expect

from tests.browser.desk import Desk
from tests.daemon.client import PATIENCE
from tests.daemon.harness import HIVECTL


def _hivectl(desk: Desk, *words: str) -> str:
    """What hivectl prints."""
    command = [HIVECTL, "--socket", str(desk.hive.run / "host.sock"), *words]
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=PATIENCE).stdout


def test_the_link_that_hivectl_prints_lets_a_browser_in_once(desk: Desk) -> None:
    printed = _hivectl(desk, "dashboard")
    (link,) = [word for word in printed.split() if word.startswith("http://hive-")]
    first, second = desk.stranger(), desk.stranger()
    second.expected = lambda fault: "409" in fault or "401" in fault
    for window in (first, second):
        window.page.goto(link)
        window.page.get_by_role("button", name="Open").click()
    expect(first.page.get_by_role("navigation", name="Pages")).to_be_visible()
    expect(second.page.get_by_role("alert")).to_contain_text("used already")
    second.go("/")
    expect(second.page.locator("#main")).to_contain_text("hivectl dashboard")


def test_scripts_of_the_page_cant_read_the_key(desk: Desk) -> None:
    assert desk.window().page.evaluate("document.cookie") == ""


def test_a_page_whose_session_is_revoked_says_so(desk: Desk) -> None:
    window = desk.window()
    window.expected = lambda fault: "401" in fault
    for session in desk.ask("sessions")["sessions"]:
        desk.ask("revoke", session=session["id"])
    desk.ask("spawn", name="bob", wait=True)
    expect(window.page.locator("#live")).to_contain_text("hivectl dashboard")


def test_a_page_whose_session_was_revoked_is_live_again_once_its_browser_is_let_in_anew(desk: Desk) -> None:
    window = desk.window()
    window.expected = lambda fault: "401" in fault
    for session in desk.ask("sessions")["sessions"]:
        desk.ask("revoke", session=session["id"])
    expect(window.page.locator("#live")).to_contain_text("hivectl dashboard")
    desk.ask("spawn", name="bob", wait=True)
    other = window.context.new_page()
    other.goto(desk.link())
    other.get_by_role("button", name="Open").click()
    expect(window.page.locator("#main")).to_contain_text("bob")
    expect(window.page.locator("#live")).to_be_hidden()


def test_a_session_that_may_only_look_has_nothing_to_press_but_what_shows_more(desk: Desk) -> None:
    asked = desk.hive.manager().ask("request_spawn", name="carol")
    window = desk.window(read_only=True)
    for path in ("/", "/agents", "/agents/alice", "/approvals", f"/approvals/{asked['id']}", "/questions", "/mail"):
        page = window.go(path)
        expect(page.locator("#main")).to_contain_text("read-only")
        expect(page.locator("form[method=post]:not([action='/leave'])")).to_have_count(0)
