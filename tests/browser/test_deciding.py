"""The operator decides, by mouse and by keys; what was typed, chosen and unfolded outlives what happens meanwhile."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.desk import Desk
from tests.daemon.client import Answer, Client, next_event
from tests.daemon.conftest import short_lived

NUMBERS = itertools.count(1)


@pytest.fixture(scope="module")
def shared(browser: Browser) -> Iterator[Desk]:
    """One hive for all of these tests: each leaves nothing that waits."""
    with short_lived() as hive:
        desk = Desk(hive, browser)
        desk.start()
        desk.ask("spawn", name="alice", wait=True)
        yield desk


@pytest.fixture
def desk(shared: Desk) -> Iterator[Desk]:
    """The same, with browsers of its own."""
    yield shared
    shared.close()
    for approval in shared.ask("pending")["approvals"]:
        shared.ask("deny", id=approval["id"])


@pytest.fixture
def manager(desk: Desk) -> Client:
    return desk.hive.manager()


@pytest.fixture
def alice(desk: Desk) -> Client:
    return desk.hive.agent("alice")


def _wanted(manager: Client) -> int:
    return int(manager.ask("request_spawn", name=f"carol{next(NUMBERS)}", description="to review")["id"])


def _asked(alice: Client, **fields: object) -> int:
    return int(alice.ask("ask_operator", **{"question": "Which colour?", **fields})["id"])


def _answered(alice: Client, question: int) -> Answer:
    while (told := next_event(alice, "operator_answered"))["id"] != question:
        pass
    return told


def _resolved(manager: Client, approval: int) -> Answer:
    while (told := next_event(manager, "approval_resolved"))["id"] != approval:
        pass
    return told


def test_what_waits_for_the_operator_leads_to_where_it_is_decided(desk: Desk, manager: Client) -> None:
    page = desk.window().page
    approval = _wanted(manager)
    page.get_by_role("link", name=f"Approval {approval}").click()
    expect(page).to_have_url(f"{desk.url}/approvals/{approval}")


def test_a_spawn_is_approved_and_what_came_of_it_stands_on_the_same_page(desk: Desk, manager: Client) -> None:
    approval = _wanted(manager)
    page = desk.window().go(f"/approvals/{approval}")
    page.get_by_role("button", name="Approve").click()
    expect(page).to_have_url(f"{desk.url}/approvals/{approval}")
    expect(page.locator("#main")).to_contain_text("approved")
    assert _resolved(manager, approval)["status"] == "approved"
    assert [name for name in desk.ask("list")["agents"] if name.startswith("carol")]
    expect(page.get_by_role("button", name="Approve")).to_have_count(0)


def test_a_spawn_is_denied_with_a_comment_that_the_manager_is_told(desk: Desk, manager: Client) -> None:
    approval = _wanted(manager)
    page = desk.window().go(f"/approvals/{approval}")
    page.get_by_role("textbox").fill("one reviewer\nis enough")
    page.get_by_role("button", name="Deny").click()
    expect(page.locator("#main")).to_contain_text("denied")
    resolved = _resolved(manager, approval)
    assert (resolved["status"], resolved["note"]) == ("denied", "one reviewer\nis enough")


def test_a_question_is_answered_by_mouse(desk: Desk, alice: Client) -> None:
    question = _asked(alice, options=["red", "blue"])
    page = desk.window().go(f"/questions/{question}")
    page.get_by_label("blue").check()
    page.get_by_role("textbox").fill("as the sky")
    page.get_by_role("button", name="Answer").click()
    assert _answered(alice, question)["answer"] == "blue, as the sky"
    expect(page.locator("#main")).to_contain_text("blue, as the sky")


def test_a_question_is_answered_by_keys_alone(desk: Desk, alice: Client) -> None:
    question = _asked(alice, options=["red", "blue"])
    page = desk.window().page
    _open_by_keys(page, "q", f"{desk.url}/questions", question)
    page.keyboard.press("2")
    expect(page.get_by_label("blue")).to_be_checked()
    _press_by_tab(page, "Answer")
    assert _answered(alice, question)["answer"] == "blue"


@pytest.mark.parametrize(("key", "status"), [("a", "approved"), ("d", "denied")])
def test_an_approval_is_decided_by_keys_alone_and_asks_once_more(
    desk: Desk, manager: Client, key: str, status: str
) -> None:
    approval = _wanted(manager)
    page = desk.window().page
    _open_by_keys(page, "p", f"{desk.url}/approvals", approval)
    page.keyboard.press(key)
    expect(page.get_by_role("dialog")).to_be_visible()
    assert [row["id"] for row in desk.ask("pending")["approvals"]] == [approval]
    page.keyboard.press("Enter")
    assert _resolved(manager, approval)["status"] == status


def test_what_is_typed_chosen_and_unfolded_survives_what_happens_meanwhile(
    desk: Desk, alice: Client, manager: Client
) -> None:
    question = _asked(alice, options=["red", "blue"])
    page = desk.window().go(f"/questions/{question}")
    text = page.get_by_role("textbox")
    page.get_by_label("blue").check()
    text.press_sequentially("as the ")
    for number in range(5):
        manager.ask("send", to="operator", body=f"news {number}")
        other = _asked(alice, question=f"And {number}?")
        desk.ask("cancel_question", id=other)
    text.press_sequentially("sky")
    expect(text).to_be_focused()
    expect(text).to_have_value("as the sky")
    expect(page.get_by_label("blue")).to_be_checked()
    page.get_by_role("button", name="Answer").click()
    assert _answered(alice, question)["answer"] == "blue, as the sky"


def test_of_two_browsers_that_decide_one_decides_and_the_other_sees_so_and_is_refused(
    desk: Desk, manager: Client
) -> None:
    approval = _wanted(manager)
    first, second = desk.window(), desk.window()
    second.expected = lambda fault: "409" in fault
    for window in (first, second):
        window.go(f"/approvals/{approval}")
    first.page.get_by_role("button", name="Approve").click()
    expect(second.page.locator("#main .state").first).to_contain_text("approved")
    second.page.get_by_role("button", name="Deny").click()
    expect(second.page.get_by_role("alert")).to_contain_text("approved")
    expect(second.page.get_by_role("button", name="Deny")).to_have_count(0)
    assert _resolved(manager, approval)["status"] == "approved"


def test_a_form_that_comes_too_late_is_refused_and_loses_nothing_of_what_was_typed(desk: Desk, manager: Client) -> None:
    """The page could not be updated in time: its scripts don't run."""
    approval = _wanted(manager)
    window = desk.window(scripts=False)
    window.expected = lambda fault: "409" in fault
    page = window.go(f"/approvals/{approval}")
    desk.ask("approve", id=approval)
    page.get_by_role("textbox").fill("one reviewer is enough")
    page.get_by_role("button", name="Deny").click()
    expect(page.get_by_role("alert")).to_contain_text("approved")
    expect(page.locator("#main")).to_contain_text("one reviewer is enough")


def _open_by_keys(page: Page, key: str, listing: str, number: int) -> None:
    """Go to a list, and open its first row."""
    page.keyboard.press("g")
    page.keyboard.press(key)
    expect(page).to_have_url(listing)
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    expect(page).to_have_url(f"{listing}/{number}")


def _press_by_tab(page: Page, name: str) -> None:
    """Go to that button by the tabulator, and press it."""
    button = page.get_by_role("button", name=name)
    for _ in range(40):
        if button.evaluate("(button) => button === document.activeElement"):
            break
        page.keyboard.press("Tab")
    page.keyboard.press("Enter")
