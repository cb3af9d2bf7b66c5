"""A hive in directories with a short path, as Unix sockets need one."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.daemon.harness import Hive


@contextmanager
def short_lived() -> Iterator[Hive]:
    """A hive on which nothing runs yet; what is started on it ends here."""
    with tempfile.TemporaryDirectory(prefix="hive-", ignore_cleanup_errors=True) as base:
        hive = Hive(Path(base))
        try:
            yield hive
        finally:
            hive.end()


@pytest.fixture
def hive() -> Iterator[Hive]:
    with short_lived() as hive:
        yield hive


@pytest.fixture
def common(hive: Hive) -> Path:
    """A directory that everybody may write."""
    hive.base.chmod(0o777)
    return hive.base
