"""Keys, colours, several tabs: what hands and eyes need beside the pages themselves."""

from __future__ import annotations

import re
from pathlib import Path

from playwright.sync_api import expect

from tests.browser.axe import violations
from tests.browser.desk import Desk
from tests.daemon.harness import Daemon

TABS = 7


def test_a_question_mark_shows_the_keys_and_escape_hides_them(desk: Desk) -> None:
    page = desk.window().page
    sheet = page.get_by_role("dialog", name="Keys")
    page.keyboard.press("?")
    expect(sheet).to_be_visible()
    assert violations(page) == []
    page.keyboard.press("Escape")
    expect(sheet).to_be_hidden()


def test_a_key_in_a_text_is_a_letter(desk: Desk) -> None:
    asked = desk.hive.agent("alice").ask("ask_operator", question="Which?", options=["red", "blue"])
    page = desk.window().go(f"/questions/{asked['id']}")
    text = page.get_by_role("textbox")
    text.press_sequentially("ga?d2")
    expect(text).to_have_value("ga?d2")
    assert page.url.endswith(f"/questions/{asked['id']}")
    expect(page.get_by_label("blue")).not_to_be_checked()


def test_the_first_tabulator_leads_past_the_navigation(desk: Desk) -> None:
    page = desk.window().page
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to content")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#main")).to_be_focused()


def test_colours_that_were_chosen_hold_on_every_page(desk: Desk) -> None:
    page = desk.window(scheme="light").page
    background = "getComputedStyle(document.body).backgroundColor"
    light = page.evaluate(background)
    page.get_by_label("Colours").select_option("dark")
    dark = page.evaluate(background)
    assert dark != light
    page.goto(f"{desk.url}/agents")
    assert page.evaluate(background) == dark
    page.get_by_label("Colours").select_option("")
    assert page.evaluate(background) == light


def test_the_title_counts_what_needs_the_operator(desk: Desk) -> None:
    page = desk.window().page
    expect(page).not_to_have_title(re.compile(r"\d"))
    desk.hive.manager().ask("request_spawn", name="carol")
    expect(page).to_have_title(re.compile(r"\(1\)"))


def test_seven_tabs_are_one_stream_and_the_one_that_is_looked_at_is_live(bare: Desk) -> None:
    """Six connections are all that a browser opens to one place: with a stream for each the seventh tab stood still."""
    daemon = bare.start()
    window = bare.window()
    tabs = [window.page, *(window.tab("/") for _ in range(TABS - 1))]
    bare.ask("spawn", name="bob", wait=True)
    for tab in tabs:
        tab.bring_to_front()
        expect(tab.locator("#main")).to_contain_text("bob")
    # An idle connection is kept for the next request; only streams are open when all of those have been closed.
    assert _connections(daemon, bare.port) <= 6
    tabs[0].close()
    bare.ask("spawn", name="carol", wait=True)
    expect(tabs[-1].locator("#main")).to_contain_text("carol")


def _connections(daemon: Daemon, port: int) -> int:
    """How many connections the daemon has at that port."""
    own = {link.readlink().name for link in Path(f"/proc/{daemon.process.pid}/fd").iterdir()}
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return sum(1 for row in rows if row[1].endswith(f":{port:04X}") and row[3] == "01" and f"socket:[{row[9]}]" in own)
