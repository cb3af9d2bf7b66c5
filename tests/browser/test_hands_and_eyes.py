"""Keys, colours, the title: what hands and eyes need beside the pages themselves."""

from __future__ import annotations

import re

from playwright.sync_api import expect

from tests.browser.axe import violations
from tests.browser.desk import Desk


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
