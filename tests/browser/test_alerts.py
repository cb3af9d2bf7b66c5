"""What says that something needs the operator while nobody looks at the console: of each thing once."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.browser import chromium
from tests.browser.desk import Desk, Window, show

NOTE = """
window.said = [];
window.Notification = class extends Notification {
  constructor(title, options) {
    super(title, options);
    window.note = this;
    window.said.push(options.body);
    dispatchEvent(new Event("said"));
  }
};
"""
"""Has a tab keep what it notifies of as `said`, and the last as `note`."""
SAYS = """
(words) => new Promise((done, fail) => {
  const look = () => { if (window.said.some((one) => one.includes(words))) done(); };
  addEventListener("said", look);
  setTimeout(() => fail(`not said: ${words}`), 10000);
  look();
})
"""


@pytest.fixture
def window(browser: Browser, desk: Desk) -> Iterator[Window]:
    """A browser that may notify; the tab that is not at the console is in front."""
    with chromium.with_real_tabs(browser.browser_type) as context:
        context.grant_permissions(["notifications"], origin=desk.url)
        context.add_init_script(NOTE)
        yield desk.tabbed(context)
        desk.close()


def wish(page: Page) -> None:
    """Ask for notifications, and return once it is known of what there need be none."""
    with page.expect_response("**/needs"):
        page.get_by_label("Notify me").check()


def elsewhere(context: BrowserContext) -> Page:
    """The tab that is not at the console."""
    return context.pages[0]


def wants(desk: Desk, name: str) -> None:
    """Something that needs the operator."""
    assert desk.hive.manager().ask("request_spawn", name=name)["kind"] != "err"


def test_the_first_thing_after_it_was_wished_for_is_said_and_nothing_from_before(desk: Desk, window: Window) -> None:
    wants(desk, "bob")
    expect(window.page).to_have_title(re.compile(r"\(1\)"))
    window.page.reload()
    wish(window.page)
    show(elsewhere(window.context))
    wants(desk, "carol")
    window.page.evaluate(SAYS, "carol")
    assert len(window.page.evaluate("window.said")) == 1


def test_of_many_hidden_tabs_one_says_it_and_what_is_seen_is_never_said(desk: Desk, window: Window) -> None:
    first = window.page
    wish(first)
    second = window.tab("/")
    expect(second.get_by_label("Notify me")).to_be_checked()
    show(elsewhere(window.context))
    wants(desk, "bob")
    second.evaluate(SAYS, "bob")
    show(first)
    wants(desk, "carol")
    # By this the tab that looked has counted, and asked itself whether it is seen.
    expect(second).to_have_title(re.compile(r"\(2\)"))
    show(elsewhere(window.context))
    wants(desk, "dave")
    first.evaluate(SAYS, "dave")
    for tab, name in ((first, "dave"), (second, "bob")):
        (words,) = tab.evaluate("window.said")
        assert name in words


def test_what_is_pressed_opens_where_it_leads_and_not_in_place_of_what_is_typed(desk: Desk, window: Window) -> None:
    page = window.go("/mail/new")
    wish(page)
    show(elsewhere(window.context))
    wants(desk, "bob")
    page.evaluate(SAYS, "bob")
    page.locator("#body").fill("half a sen")
    with window.context.expect_page() as opened:
        page.evaluate("window.note.onclick()")
    expect(opened.value).to_have_url(re.compile("/approvals/1$"))
    expect(page.locator("#body")).to_have_value("half a sen")
    page.locator("#body").fill("")
    page.evaluate("window.note.onclick()")
    expect(page).to_have_url(re.compile("/approvals/1$"))


def test_a_database_that_takes_nothing_is_said_and_counted_though_nothing_can_change(
    desk: Desk, window: Window
) -> None:
    wish(window.page)
    show(elsewhere(window.context))
    (path,) = desk.hive.state.glob("*.sqlite")
    with closing(sqlite3.connect(path)) as database:
        for what in ("INSERT ON messages", "UPDATE ON sessions"):
            full = "SELECT RAISE(ABORT, 'database or disk is full')"
            database.execute(f"CREATE TRIGGER full_{what[:6]} BEFORE {what} BEGIN {full}; END")
        with desk.hive.host() as host:
            assert not host.ask("send", to="alice", body="hello")["ok"]
        window.page.evaluate(SAYS, "disk is full")
        expect(window.page).to_have_title(re.compile(r"\(1\)"))
        database.executescript("DROP TRIGGER full_INSERT; DROP TRIGGER full_UPDATE")
    desk.ask("send", to="alice", body="hello")
    expect(window.page).not_to_have_title(re.compile(r"\d"))
