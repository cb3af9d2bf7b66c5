"""One browser for all these tests; hives and windows of their own for most."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from tests.browser import chromium
from tests.browser.desk import Desk
from tests.browser.relay import Relay
from tests.daemon.conftest import short_lived


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """Chromium; where there is none the test is skipped by name, and failed if `CI` is set.

    It is left with the last of these tests: while it is there its event loop runs, and no other test can run one.
    """
    if chromium.path() is None:
        if os.environ.get("CI"):
            pytest.fail(chromium.ABSENT)
        pytest.skip(chromium.ABSENT)
    with chromium.launched() as browser:
        yield browser


@pytest.fixture
def bare(browser: Browser) -> Iterator[Desk]:
    """A desk whose daemon has not started."""
    with short_lived() as hive:
        desk = Desk(hive, browser)
        yield desk
        desk.close()


@pytest.fixture
def desk(bare: Desk) -> Desk:
    """A desk with a daemon that runs, and the agent alice."""
    bare.start()
    bare.ask("spawn", name="alice", wait=True)
    return bare


@pytest.fixture
def relay(bare: Desk) -> Iterator[Relay]:
    """What browsers reach the console of `bare`, which runs, through."""
    relay = Relay(bare.port)
    bare.start_behind(relay)
    bare.ask("spawn", name="alice", wait=True)
    yield relay
    relay.close()
