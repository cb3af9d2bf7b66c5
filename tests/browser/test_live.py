"""What an open page shows follows the hive, and says so where it can't; what is typed in it stays."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests.browser.desk import HEAR, Desk

COUNT = """
(status) => {
  window.asked = 0;
  const real = window.fetch;
  window.fetch = async (address, ...more) => {
    if (address !== location.href) return real(address, ...more);
    window.asked += 1;
    return new Response("", { status });
  };
}
"""
"""Has the page count how often it asks for what it shows, and be answered so."""


def test_an_agent_that_is_spawned_appears_on_an_open_page(desk: Desk) -> None:
    page = desk.window().page
    desk.ask("spawn", name="bob", wait=True)
    expect(page.locator("#main")).to_contain_text("bob")


def test_a_page_says_at_once_that_the_daemon_was_killed_and_is_live_again_with_the_next(bare: Desk) -> None:
    daemon = bare.start()
    window = bare.window()
    window.expected = lambda fault: "ERR_" in fault
    page = window.page
    live = page.locator("#live")
    expect(live).to_be_hidden()
    daemon.kill()
    expect(live).to_be_visible()
    expect(live).to_contain_text(re.compile("not live", re.IGNORECASE))
    bare.start()
    expect(live).to_be_hidden()
    bare.ask("spawn", name="bob", wait=True)
    expect(page.locator("#main")).to_contain_text("bob")
    assert page.url == f"{bare.url}/"


@pytest.mark.parametrize(("status", "times"), [(503, {1, 2}), (404, {0})])
def test_a_page_that_is_not_given_is_asked_for_by_one_timer_and_one_that_is_gone_by_none(
    desk: Desk, status: int, times: set[int]
) -> None:
    """Each change that came meanwhile had begun a timer of its own."""
    page = desk.stranger().page
    page.clock.install()
    page.goto(desk.link())
    page.get_by_role("button", name="Open").click()
    expect(page.get_by_role("heading", name="At work")).to_be_visible()
    page.evaluate(COUNT, status)
    for number in range(4):
        page.evaluate(HEAR, "message")
        desk.ask("send", to="alice", body=f"message {number}")
        page.evaluate("window.told")
        page.clock.run_for(500)
    expect(page.locator("#live")).to_be_visible()
    before = page.evaluate("window.asked")
    for _ in range(8):
        page.clock.run_for(500)
    assert page.evaluate("window.asked") - before in times


def test_a_page_that_shows_nothing_live_is_not_called_gone(bare: Desk) -> None:
    """Where the feed says that some changes were missed, the page was fetched: that of what is refused is no page."""
    daemon = bare.start()
    window = bare.window()
    window.expected = lambda fault: "404" in fault or "ERR_" in fault
    page = window.go("/agents/nobody")
    page.evaluate(COUNT, 404)
    page.evaluate(HEAR, None)
    daemon.kill()
    bare.start()
    page.evaluate("window.told")
    assert page.evaluate("window.asked") == 0
    expect(page.locator("#live")).to_be_hidden()
