"""The console's name, which nobody can guess: it is told by `host.sock` alone, and nothing is shown by another."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.daemon.conftest import short_lived
from tests.daemon.harness import Hive
from tests.dashboard.console import FREE, Console


@pytest.fixture(scope="module")
def hive() -> Iterator[Hive]:
    """One hive for all that is refused by it."""
    with short_lived() as hive:
        hive.start(*FREE)
        yield hive


@pytest.fixture(scope="module")
def console(hive: Hive) -> Console:
    """A session that may decide."""
    return Console.opened(hive)


def _label(console: Console) -> str:
    """What nobody can guess of the console's name."""
    label = console.host.partition(".")[0].removeprefix("hive-")
    assert len(label) == 16
    return label


@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1", "localhost", "hive.localhost", "hive-.localhost", "", "own:1", "own.evil"]
)
@pytest.mark.parametrize("path", ["/", "/login", "/open", "/events", "/no-such-page"])
def test_by_another_name_the_console_shows_nothing_and_does_not_say_which_is_right(
    console: Console, path: str, host: str
) -> None:
    """So a name of the attacker's that is led to 127.0.0.1 is no way in, and nobody learns whose cookie would be."""
    name, _, port = console.host.partition(":")
    for given in (host, f"{host}:{port}"):
        answer = console.request("GET", path, headers={"Host": given.replace("own", name)})
        assert answer.status == 421
        assert b"hivectl dashboard" in answer.body
        assert "manager" not in answer.html
        assert _label(console) not in f"{answer.headers} {answer.html}"


@pytest.mark.parametrize("path", ["/static/", "/static/x/app.js", "/static/%ff", "/events", "//", "*"])
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
def test_nothing_that_is_answered_without_a_session_has_the_consoles_name(
    console: Console, method: str, path: str
) -> None:
    answer = Console(console.url).request(method, path, headers={"Host": "hive.localhost"})
    assert _label(console) not in f"{answer.headers} {answer.html}"


def test_the_log_does_not_have_the_consoles_name(console: Console, hive: Hive) -> None:
    """The journal is read by more people than may open `host.sock`."""
    assert "'hivectl dashboard' opens it" in hive.daemons[-1].log
    assert _label(console) not in hive.daemons[-1].log


def test_nobody_else_can_read_where_the_consoles_name_is_kept(console: Console, hive: Hive) -> None:
    kept = [path for path in hive.state.glob("*") if path.is_file() and _label(console).encode() in path.read_bytes()]
    assert kept
    assert not [path for path in (hive.state, *kept) if path.stat().st_mode & 0o077]
