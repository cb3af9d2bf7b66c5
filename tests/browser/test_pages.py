"""Every page in both schemes, on a screen and on a phone: without a complaint of the browser's or of axe's."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from tests.browser.axe import too_wide, violations
from tests.browser.desk import Desk
from tests.browser.lively import Lively
from tests.browser.shots import FOLDER, LOOKS, Look, pages
from tests.daemon.conftest import short_lived


@pytest.fixture(scope="module")
def lively(browser: Browser) -> Iterator[Lively]:
    """One hive for all that only look at it."""
    with short_lived() as hive:
        desk = Desk(hive, browser)
        lively = Lively(desk)
        lively.begin()
        yield lively
        desk.close()


@pytest.mark.deadline(60)
@pytest.mark.parametrize("look", LOOKS, ids=[look.name for look in LOOKS])
def test_no_page_has_a_fault_that_a_browser_or_axe_finds(lively: Lively, look: Look) -> None:
    window = lively.desk.window(look.size, look.scheme)
    faults = []
    for name, path in pages(lively).items():
        page = window.go(path)
        FOLDER.mkdir(parents=True, exist_ok=True)
        page.screenshot(path=FOLDER / f"{name}-{look.name}.png", full_page=True)
        faults += [f"{path}: {fault}" for fault in violations(page)]
        faults += [f"{path} scrolls sideways: {element}" for element in too_wide(page)]
        faults += [f"{path}: {fault}" for fault in window.faults]
        window.faults.clear()
    assert not faults, "\n".join(faults)
