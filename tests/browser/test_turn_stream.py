"""The stream of a turn in an open page: it comes as it is written, and stays where somebody reads."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.browser.axe import too_wide, violations
from tests.browser.desk import PHONE, WIDE, Desk
from tests.dashboard.working import Worker, call, result, says, text


@pytest.fixture
def bob(desk: Desk) -> Worker:
    """An agent in the middle of a turn that is longer than the window."""
    bob = Worker(desk.hive)
    bob.begin()
    bob.tell(*(says(text(f"step {number}")) for number in range(60)))
    return bob


def away_from_end(page: Page) -> int:
    """How many pixels of the stream are below what one sees."""
    found = "(list) => list.scrollHeight - list.scrollTop - list.clientHeight"
    return int(page.locator("#stream").evaluate(found))


def test_it_follows_its_end_until_somebody_scrolls_and_again_by_a_button(desk: Desk, bob: Worker) -> None:
    page = desk.window().go("/agents/bob")
    assert away_from_end(page) < 8
    bob.tell(says(text("later")))
    expect(page.get_by_text("later", exact=True)).to_be_visible()
    assert away_from_end(page) < 8
    page.locator("#stream").evaluate("(list) => new Promise((done) => { list.onscroll = done; list.scrollTop = 0; })")
    bob.tell(*(says(text(f"new {number}")) for number in range(14)))
    button = page.get_by_role("button", name="↓ 14 new")
    expect(button).to_be_visible()
    assert page.locator("#stream").evaluate("(list) => list.scrollTop") == 0
    button.click()
    expect(button).to_be_hidden()
    assert away_from_end(page) < 8


def test_a_result_joins_its_call_and_what_was_opened_and_typed_stays(desk: Desk, bob: Worker) -> None:
    page = desk.window().go("/agents/bob")
    bob.tell(says(call("Bash", command="make")))
    called = page.locator("details[data-call=c1]")
    called.locator("summary").click()
    page.get_by_label("Message to bob").fill("half a sen")
    bob.tell(result("all is made"))
    expect(called.get_by_text("all is made")).to_be_visible()
    expect(page.get_by_label("Message to bob")).to_have_value("half a sen")


def test_the_next_turn_comes_after_the_one_before(desk: Desk, bob: Worker) -> None:
    page = desk.window().go("/agents/bob")
    bob.tell(says(text("the last word")))
    bob.end()
    turn = bob.begin()
    bob.tell(says(text("the first word")))
    expect(page.get_by_text("the first word")).to_be_visible()
    shown = page.locator("#stream li").all_inner_texts()[-3:]
    assert shown[0] == "the last word"
    assert shown[1].startswith(f"Turn {turn} began")
    assert shown[2] == "the first word"


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [WIDE, PHONE])
def test_nobody_is_kept_out_of_these_pages(desk: Desk, bob: Worker, size: tuple[int, int], scheme: str) -> None:
    bob.tell(says(call("Edit", old_string="a", new_string="b")), "plain", {"type": "result", "subtype": "success"})
    bob.end("failed", error="no such model", usage={"input_tokens": 1, "cost_micros": 1})
    desk.ask("spawn", name="carol")
    desk.ask("destroy", name="carol")
    window = desk.window(size, scheme)
    for path in (
        "/agents",
        "/agents/bob",
        f"/agents/bob/turns/{bob.turn}",
        "/agents/bob/log",
        "/agents/bob/configuration",
        "/agents/bob/configuration/deployed/0",
        "/agents/bob/destroy",
        "/agents/carol/destroy",
        "/operations",
    ):
        page = window.go(path)
        assert violations(page) == [], path
        assert too_wide(page) == [], path


def test_lines_of_output_stand_below_each_other_without_boxes(desk: Desk, bob: Worker) -> None:
    bob.tell(*(f"line {number} of the output" for number in range(10)))
    page = desk.window().go("/agents/bob")
    tops = page.locator("#stream li.line").evaluate_all("(rows) => rows.map((row) => row.getBoundingClientRect().top)")
    assert len(tops) == 10
    assert tops[-1] - tops[0] < 9 * 22
