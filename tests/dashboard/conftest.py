"""A real daemon with its console, and a session in it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.daemon.conftest import short_lived
from tests.daemon.harness import Hive
from tests.dashboard.console import FREE, Console


@pytest.fixture
def hive() -> Iterator[Hive]:
    """A hive on which nothing runs yet."""
    with short_lived() as hive:
        yield hive


@pytest.fixture
def console(hive: Hive) -> Console:
    """A session that may decide, on a hive that is up and has its manager."""
    hive.start(*FREE)
    return Console.opened(hive)


@pytest.fixture
def onlooker(hive: Hive, console: Console) -> Console:
    """A session on the same hive that may look, and decide nothing."""
    return Console.opened(hive, read_only=True)
