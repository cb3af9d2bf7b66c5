"""More connections than there is room for: some are told so, the rest is cut off, and the operator is heard."""

from __future__ import annotations

import resource
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from tests.daemon.client import Client
from tests.daemon.conftest import short_lived
from tests.daemon.harness import Daemon, Hive

CONNECTIONS, TOLD = 64, 64
OPEN_FILES = 512


@pytest.fixture(scope="module")
def hive() -> Iterator[Hive]:
    """A hive whose daemon may open some hundred files."""
    with short_lived() as hive:
        hive.start()
        bound_files(hive.daemons[-1])
        assert hive.host().ask("spawn", name="alice")["ok"]
        yield hive


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


def bound_files(daemon: Daemon) -> None:
    resource.prlimit(daemon.process.pid, resource.RLIMIT_NOFILE, (OPEN_FILES, OPEN_FILES))


def end_of(client: Client) -> Any:
    """What a connection is told before its end; None if nothing."""
    try:
        told = client.hear()
    except (EOFError, ConnectionResetError):
        return None
    assert client.hears_the_end()
    return told


def test_of_those_turned_away_so_many_are_told_and_the_rest_is_cut_off(hive: Hive, stack: ExitStack) -> None:
    crowd = [stack.enter_context(hive.agent("alice")) for _ in range(CONNECTIONS)]
    for client in crowd:
        assert client.ask("whoami")["name"] == "alice"
    # None of them closes its connection, so that none of the daemon's places for them is free again meanwhile.
    others = [stack.enter_context(hive.agent("alice")) for _ in range(TOLD + 30)]
    told = [end_of(client) for client in others]
    assert [answer is not None for answer in told] == [True] * TOLD + [False] * 30
    assert {answer["message"] for answer in told[:TOLD]} == {
        "there are 64 connections on this socket already; close one first"
    }

    for client in others:
        client.close()
    for _ in range(3):  # the daemon has noticed by then
        assert crowd[0].ask("whoami")["name"] == "alice"
    assert end_of(stack.enter_context(hive.agent("alice"))) is not None


def test_after_a_thousand_connections_the_operator_is_heard(hive: Hive, stack: ExitStack) -> None:
    own, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(own, min(most, 2048)), most))
    stack.callback(resource.setrlimit, resource.RLIMIT_NOFILE, (own, most))
    host = stack.enter_context(hive.host())
    crowd = []
    for _ in range(1000):
        crowd.append(stack.enter_context(hive.agent("alice")))
        assert host.ask("urls")["ok"]
    assert end_of(crowd[-1]) is None
    with hive.host() as another:
        assert another.ask("list")["agents"] == ["alice", "manager"]
    for client in crowd:
        client.close()
    for _ in range(3):  # the daemon has noticed by then
        assert host.ask("urls")["ok"]
    with hive.agent("alice") as alice:
        assert alice.ask("whoami")["name"] == "alice"
