"""A scripted daemon for every test that asks for one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
import pytest_twisted

from hyperhive.hivectl.main import run
from tests.hivectl.scripted import ScriptedDaemon


@pytest.fixture
def short_path() -> Iterator[Path]:
    """A directory whose name leaves room for a socket's: pytest's own have the test's name in them."""
    with TemporaryDirectory(prefix="hivectl-") as path:
        yield Path(path)


@pytest.fixture
def daemon(short_path: Path) -> Iterator[ScriptedDaemon]:
    scripted = ScriptedDaemon(str(short_path / "host.sock"))
    port = scripted.listen()
    yield scripted
    pytest_twisted.blockon(port.stopListening())


@pytest.fixture
def hivectl(tmp_path: Path) -> Callable[..., int]:
    """`hivectl COMMAND --root` on a temporary tree."""
    return lambda command, *options: run([command, "--root", str(tmp_path), *options])
