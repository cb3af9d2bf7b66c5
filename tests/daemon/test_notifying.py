"""What a service manager hears from the real daemon."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.daemon.client import PATIENCE
from tests.daemon.freezing import frozen_writers
from tests.daemon.harness import Daemon, Hive, command

HALF_A_SECOND = "500000"


@pytest.fixture
def heard(hive: Hive) -> Iterator[socket.socket]:
    """Where the daemon's datagrams arrive."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as end:
        end.bind(str(hive.base / "notify"))
        end.settimeout(PATIENCE)
        yield end


def told(hive: Hive) -> dict[str, str]:
    """What systemd would tell the daemon by its environment."""
    return {**os.environ, "NOTIFY_SOCKET": str(hive.base / "notify"), "WATCHDOG_USEC": HALF_A_SECOND}


def start(hive: Hive) -> Daemon:
    """A daemon that was started as a service with a watchdog."""
    return hive.start_bare(*hive.places(), *hive.agent_command(""), environment=told(hive))


def until(heard: socket.socket, assignment: str) -> list[str]:
    """The assignments of the datagram that has this one among its own, after all that come before."""
    while assignment not in (found := heard.recv(4096).decode().split("\n")):
        pass
    return found


def is_silent(heard: socket.socket) -> bool:
    """Whether nothing comes for longer than the watchdog waits."""
    heard.settimeout(0.6)
    try:
        heard.recv(4096)
    except TimeoutError:
        return True
    finally:
        heard.settimeout(PATIENCE)
    return False


def test_it_is_ready_when_the_operator_s_socket_is_open(hive: Hive, heard: socket.socket) -> None:
    start(hive)
    assert until(heard, "READY=1") == ["READY=1", f"STATUS=up; the sockets are under {hive.run}"]
    with hive.host() as host:
        assert host.ask("list")["ok"]


def test_it_shows_signs_of_life_and_says_that_it_stops(hive: Hive, heard: socket.socket) -> None:
    daemon = start(hive)
    until(heard, "READY=1")
    assert until(heard, "WATCHDOG=1") == ["WATCHDOG=1"]
    assert until(heard, "WATCHDOG=1") == ["WATCHDOG=1"]
    daemon.terminate()
    assert until(heard, "STOPPING=1") == ["STOPPING=1", "STATUS=stopping"]


def test_it_shows_no_sign_of_life_while_the_thread_of_the_database_hangs(hive: Hive, heard: socket.socket) -> None:
    daemon = start(hive)
    until(heard, "READY=1")
    with frozen_writers(daemon.process.pid) as threads:
        assert threads
        # What was answered before the thread froze may still come.
        assert any(is_silent(heard) for _ in range(3))
    assert until(heard, "WATCHDOG=1") == ["WATCHDOG=1"]


def test_agents_are_not_told_of_the_service_manager(hive: Hive, heard: socket.socket) -> None:
    start(hive)
    with hive.host() as host:
        assert host.ask("spawn", name="alice")["ok"]
    environments = [Path(f"/proc/{pid}/environ").read_bytes() for pid in hive.processes()]
    assert environments
    assert not [one for one in environments if b"NOTIFY_SOCKET" in one or b"WATCHDOG_USEC" in one]


def test_why_a_start_failed_is_told(hive: Hive, heard: socket.socket) -> None:
    (hive.run / "host.sock").mkdir(parents=True)
    hive.daemons.append(Daemon(command(*hive.places()), told(hive)))
    sentence = f"{hive.run}/host.sock is in the way of a socket of that name and is none; move it away"
    assert until(heard, f"STATUS=the hive can't start: {sentence}")
