"""What an open page shows follows the hive, and says so where it can't; what is typed in it stays."""

from __future__ import annotations

import re

from playwright.sync_api import expect

from tests.browser.desk import Desk


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
