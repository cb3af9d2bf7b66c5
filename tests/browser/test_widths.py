"""Lists on windows of every width: nothing sticks out, no word is broken, and a row is no taller than two lines."""

from __future__ import annotations

from typing import Final

import pytest
from playwright.sync_api import Page, expect

from tests.browser.axe import too_wide, violations
from tests.browser.desk import WIDE, Desk

WIDTHS: Final = (390, 820, 900, 1200, 1280)
TWO_LINES: Final = 64
"""Pixels of a row of two lines, with what is around them."""
STATUS: Final = "reading what the tests of the parser say about the machine that nobody else has"


@pytest.fixture
def busy(desk: Desk) -> Desk:
    """A desk with an agent that has much to say of itself, and one with the longest name that there may be."""
    desk.ask("spawn", name="an-agent-with-quite-a-long-name", wait=True)
    desk.ask("send", to="alice", body="Please look at what the tests of the parser say, all of them.")
    alice = desk.hive.agent("alice")
    (letter,) = alice.ask("recv", max=1)["messages"]
    alice.ask("begin_turn", ids=[letter["id"]], runner="claude", model="claude-opus-5-5")
    alice.ask("set_status", text=STATUS)
    return desk


def cut_words(page: Page) -> list[str]:
    """The words in cells of tables that go on in a second line; what a hyphen divides is two."""
    found: list[str] = page.evaluate(
        r"""() => [...document.querySelectorAll(".rows td, .rows th")].flatMap((cell) => {
          const texts = document.createTreeWalker(cell, NodeFilter.SHOW_TEXT), cut = [];
          for (let text = texts.nextNode(); text; text = texts.nextNode()) {
            if (text.parentElement.closest(".unseen, thead, details:not([open]) > div")) continue;
            for (const word of text.data.matchAll(/[A-Za-z0-9]+/g)) {
              const range = document.createRange();
              range.setStart(text, word.index);
              range.setEnd(text, word.index + word[0].length);
              if (new Set([...range.getClientRects()].map((box) => box.top)).size > 1) cut.push(word[0]);
            }
          }
          return cut;
        })"""
    )
    return found


def test_the_list_of_agents_fits_every_window_and_breaks_no_word(busy: Desk) -> None:
    for width in WIDTHS:
        page = busy.window((width, 800)).go("/agents")
        assert too_wide(page) == [], width
        assert cut_words(page) == [], width


def test_an_agent_takes_two_lines_of_a_wide_window(busy: Desk) -> None:
    page = busy.window(WIDE).go("/agents")
    heights = page.locator("[data-row]").evaluate_all("(rows) => rows.map((row) => row.offsetHeight)")
    assert len(heights) == 3
    assert max(heights) <= TWO_LINES + 24  # the longest name there may be takes a third
    assert sorted(heights)[1] <= TWO_LINES


def test_what_is_seldom_done_to_an_agent_unfolds_and_stays_unfolded(busy: Desk) -> None:
    page = busy.window(WIDE).go("/agents")
    row = page.locator("#agent-alice")
    expect(row.get_by_role("button", name="Stop … alice")).to_be_visible()
    expect(row.get_by_role("button", name="Pause alice")).to_be_hidden()
    row.get_by_text("More").click()
    expect(row.get_by_role("button", name="Pause alice")).to_be_visible()
    assert violations(page) == []
    assert too_wide(page) == []
    busy.hive.agent("alice").ask("set_status", text="something else")
    expect(row).to_contain_text("something else")
    expect(row.get_by_role("button", name="Pause alice")).to_be_visible()
    row.get_by_role("button", name="Pause alice").click()
    expect(page.locator("#agent-alice")).to_contain_text("paused")
