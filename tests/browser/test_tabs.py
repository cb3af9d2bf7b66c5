"""Many tabs of one browser: one of them holds the feed for all, those that nobody sees wait, and no change is lost."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Request, expect

from tests.browser import chromium
from tests.browser.desk import HEAR, Desk, show
from tests.browser.relay import Relay

TABS = 7


@pytest.fixture
def tabs(browser: Browser, bare: Desk) -> Iterator[BrowserContext]:
    """A browser's tabs, of which the one in front is seen and the others are hidden."""
    with chromium.with_real_tabs(browser.browser_type) as context:
        yield context
        bare.close()


class Asked:
    """What a tab asks the daemon for from now on."""

    def __init__(self, page: Page) -> None:
        self._requests: list[Request] = []
        page.on("request", self._note)

    @property
    def parts(self) -> list[str]:
        """Where it looked for what its page shows."""
        return [one.url for one in self._requests if "x-part" in one.headers and not one.url.endswith("/needs")]

    @property
    def streams(self) -> int:
        """How often it asked for the feed."""
        return sum("/events" in one.url for one in self._requests)

    def _note(self, request: Request) -> None:
        self._requests.append(request)


def ask_operator(desk: Desk, words: str) -> None:
    """A question that Home shows."""
    assert desk.hive.agent("alice").ask("ask_operator", question=words)["kind"] != "err"


def two_tabs(desk: Desk, tabs: BrowserContext) -> tuple[Page, Page, Page]:
    """Two tabs at Home, and one elsewhere: that one is seen, the others are not."""
    window = desk.tabbed(tabs)
    found = window.page, window.tab("/"), tabs.pages[0]
    show(found[2])
    return found


def test_seven_tabs_are_one_stream_and_each_is_live_once_it_is_seen(
    bare: Desk, relay: Relay, tabs: BrowserContext
) -> None:
    """Six connections are all that a browser opens to one place: with a stream for each the seventh tab stood still."""
    window = bare.tabbed(tabs)
    opened = [window.page, *(window.tab("/") for _ in range(TABS - 1))]
    bare.ask("spawn", name="bob", wait=True)
    for tab in opened:
        show(tab)
        expect(tab.locator("#main")).to_contain_text("bob")
        relay.wait_for_streams(1)
    bare.ask("spawn", name="carol", wait=True)
    expect(opened[-1].locator("#main")).to_contain_text("carol")
    assert relay.streams == 1


def test_seven_tabs_that_are_seen_at_once_are_one_stream_and_all_live(bare: Desk, relay: Relay) -> None:
    """As in windows side by side."""
    window = bare.window()
    opened = [window.page, *(window.tab("/") for _ in range(TABS - 1))]
    relay.wait_for_streams(1)
    for name in ("bob", "carol"):
        bare.ask("spawn", name=name, wait=True)
        for tab in opened:
            expect(tab.locator("#main")).to_contain_text(name)
        assert relay.streams == 1


def test_a_hidden_tab_asks_for_nothing_it_shows_and_catches_up_when_it_is_seen(
    bare: Desk, relay: Relay, tabs: BrowserContext
) -> None:
    first, second, _ = two_tabs(bare, tabs)
    asked = Asked(first), Asked(second)
    for tab in (first, second):
        tab.evaluate(HEAR, "question")
    ask_operator(bare, "Which colour?")
    for tab in (first, second):
        tab.evaluate("window.told")
        expect(tab).to_have_title(re.compile(r"\(1\)"))
    assert [one.parts for one in asked] == [[], []]
    show(first)
    expect(first.locator("#main")).to_contain_text("Which colour?")
    assert asked[0].parts
    assert asked[1].parts == []
    relay.wait_for_streams(1)


def test_the_tab_that_is_seen_takes_the_stream_over_from_the_one_that_was(
    bare: Desk, relay: Relay, tabs: BrowserContext
) -> None:
    first, second, _ = two_tabs(bare, tabs)
    for number, (seen, hidden) in enumerate(((first, second), (second, first), (first, second))):
        asked = Asked(seen)
        show(seen)
        waits = Asked(hidden)
        ask_operator(bare, words := f"Is it {number}?")
        expect(seen.locator("#main")).to_contain_text(words)
        relay.wait_for_streams(1)
        assert (asked.streams, waits.streams, waits.parts) == (1, 0, [])


@pytest.mark.parametrize("seen", [True, False], ids=["seen", "hidden"])
def test_a_tab_that_held_the_stream_and_is_closed_is_followed_by_another_that_misses_nothing(
    bare: Desk, relay: Relay, tabs: BrowserContext, *, seen: bool
) -> None:
    first, second, elsewhere = two_tabs(bare, tabs)
    show(second)
    if not seen:
        show(elsewhere)
    second.close()
    ask_operator(bare, "Which colour?")
    expect(first).to_have_title(re.compile(r"\(1\)"))
    relay.wait_for_streams(1)
    show(first)
    expect(first.locator("#main")).to_contain_text("Which colour?")


def test_a_tab_that_is_told_twice_at_once_that_it_is_seen_takes_the_stream_over_once(bare: Desk, relay: Relay) -> None:
    """As where somebody leaves a tab and comes back before the browser has said who holds the stream."""
    window = bare.window()
    first, second = window.page, window.tab("/")
    first.evaluate("for (const _ of [1, 2]) document.dispatchEvent(new Event('visibilitychange'))")
    bare.ask("spawn", name="bob", wait=True)
    for tab in (first, second):
        expect(tab.locator("#main")).to_contain_text("bob")
    relay.wait_for_streams(1)


def test_a_tab_that_was_opened_hidden_misses_nothing_of_what_happened_before_its_scripts_ran(
    bare: Desk, relay: Relay
) -> None:
    """It waits for another tab's word, and one of them came before it could listen. Playwright opens no hidden tab."""
    window = bare.window()
    hidden = window.context.new_page()
    hidden.add_init_script("Object.defineProperty(document, 'hidden', { get: () => !window.seen, configurable: true })")
    hidden.route("**/feed*.js", lambda _: None)
    hidden.goto(f"{bare.url}/questions", wait_until="commit")
    ask_operator(bare, "Which colour?")
    expect(window.page.locator("#main")).to_contain_text("Which colour?")
    hidden.unroute("**/feed*.js")
    hidden.wait_for_load_state()
    hidden.evaluate(HEAR, "message")
    bare.ask("send", to="alice", body="later")
    hidden.evaluate("window.told")
    hidden.evaluate("window.seen = true; document.dispatchEvent(new Event('visibilitychange'))")
    expect(hidden.locator("#main")).to_contain_text("Which colour?")
    relay.wait_for_streams(1)
