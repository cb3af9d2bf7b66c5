"""What the service manager hears, over a real datagram socket."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from attrs import define, field
from twisted.internet.defer import Deferred, fail, succeed
from twisted.internet.task import Clock
from twisted.logger import ILogObserver, LogEvent, globalLogPublisher
from zope.interface import provider

from hyperhive.notify import LONGEST, PULSE, Notifier, notifier

MORE_TIME = "EXTEND_TIMEOUT_USEC=30000000"
MINUTE = "60000000"


@define(eq=False)
class ServiceManager:
    """The other end of the socket, and a database that answers when it is `well`."""

    socket: socket.socket
    environment: dict[str, str]
    clock: Clock = field(factory=Clock)
    well: bool = True
    asked: list[Deferred[Any]] = field(factory=list)

    def notifier(self, **environment: str) -> Notifier:
        """A notifier that has started."""
        self.environment |= environment
        made = notifier(self.environment, self.clock, self.prove)
        made.start()
        return made

    def prove(self) -> Deferred[Any]:
        if self.well:
            return succeed(None)
        self.asked.append(Deferred())
        return self.asked[-1]

    def heard(self) -> list[list[str]]:
        """The assignments of each datagram since the last call."""
        found = []
        while True:
            try:
                found.append(self.socket.recv(4096).decode().split("\n"))
            except BlockingIOError:
                return found


@pytest.fixture(params=["path", "abstract"])
def manager(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[ServiceManager]:
    name = str(tmp_path / "notify") if request.param == "path" else f"@hyperhive-test-{os.getpid()}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK) as end:
        end.bind(name.replace("@", "\0"))
        yield ServiceManager(end, {"NOTIFY_SOCKET": name, "HOME": "/h"})


def test_readiness_is_told_with_a_status(manager: ServiceManager) -> None:
    made = manager.notifier()
    manager.heard()
    made.ready("up with\n5 agents")
    assert manager.heard() == [["READY=1", "STATUS=up with 5 agents"]]
    made.stop()


def test_stopping_is_told(manager: ServiceManager) -> None:
    made = manager.notifier()
    made.ready("up")
    manager.heard()
    made.stopping()
    assert manager.heard() == [["STOPPING=1", "STATUS=stopping"]]
    made.stop()


def test_a_start_that_fails_shows_why(manager: ServiceManager) -> None:
    made = manager.notifier()
    manager.heard()
    made.failed("the disk is gone")
    assert manager.heard() == [["STATUS=the disk is gone"]]
    made.stop()


def test_the_watchdog_hears_of_us_twice_in_its_time(manager: ServiceManager) -> None:
    made = manager.notifier(WATCHDOG_USEC="4000000", WATCHDOG_PID=str(os.getpid()))
    made.ready("up")
    manager.heard()
    for _ in range(3):
        manager.clock.advance(1.9)
        assert manager.heard() == []
        manager.clock.advance(0.1)
        assert manager.heard() == [["WATCHDOG=1"]]
    made.stop()


def test_the_watchdog_hears_nothing_while_the_database_does_not_answer(manager: ServiceManager) -> None:
    made = manager.notifier(WATCHDOG_USEC="4000000")
    made.ready("up")
    manager.heard()
    manager.well = False
    manager.clock.pump([2.0] * 5)
    assert manager.heard() == []
    assert len(manager.asked) == 1
    manager.well = True
    manager.asked[0].callback(None)
    assert manager.heard() == [["WATCHDOG=1"]]
    manager.clock.advance(2)
    assert manager.heard() == [["WATCHDOG=1"]]
    made.stop()


def test_a_database_that_answers_that_it_is_full_is_no_reason_for_the_watchdog(
    manager: ServiceManager, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ServiceManager, "prove", lambda _: fail(OSError("full")))
    made = manager.notifier(WATCHDOG_USEC="4000000")
    made.ready("up")
    manager.heard()
    manager.clock.advance(2)
    assert manager.heard() == [["WATCHDOG=1"]]
    made.stop()


def test_a_long_start_asks_for_more_time_until_it_is_done(manager: ServiceManager) -> None:
    made = manager.notifier()
    assert manager.heard() == [[MORE_TIME]]
    manager.clock.advance(PULSE)
    assert manager.heard() == [[MORE_TIME]]
    made.ready("up")
    manager.heard()
    manager.clock.advance(PULSE)
    assert manager.heard() == []
    made.stop()


def test_a_long_stop_asks_for_more_time_and_feeds_the_watchdog(manager: ServiceManager) -> None:
    made = manager.notifier(WATCHDOG_USEC=MINUTE)
    made.ready("up")
    manager.clock.advance(LONGEST)
    made.stopping()
    manager.heard()
    manager.clock.advance(PULSE)
    assert manager.heard() == [["WATCHDOG=1", MORE_TIME]]
    made.stop()


def test_a_start_that_never_ends_stops_asking(manager: ServiceManager) -> None:
    made = manager.notifier()
    asked = 0
    while manager.heard() == [[MORE_TIME]]:
        asked += 1
        manager.clock.advance(PULSE)
    assert asked == LONGEST / PULSE
    made.stop()


@pytest.mark.parametrize("wrong", [{"WATCHDOG_USEC": MINUTE, "WATCHDOG_PID": "1"}, {"WATCHDOG_USEC": "soon"}, {}])
def test_a_watchdog_that_is_another_s_or_none_hears_nothing(manager: ServiceManager, wrong: dict[str, str]) -> None:
    made = manager.notifier(**wrong)
    made.ready("up")
    manager.heard()
    manager.clock.advance(60)
    assert manager.heard() == []
    made.stop()


def test_agents_do_not_inherit_what_is_meant_for_the_daemon(manager: ServiceManager) -> None:
    manager.notifier(WATCHDOG_USEC=MINUTE, WATCHDOG_PID="1").stop()
    assert manager.environment == {"HOME": "/h"}


def test_readiness_waits_for_room_in_the_queue(manager: ServiceManager) -> None:
    made = manager.notifier()
    while not made._unsent:
        made.failed("again")
    made.ready("up")
    assert manager.heard()[-1] == ["STATUS=again"]
    manager.clock.advance(PULSE)
    assert manager.heard()[:2] == [["STATUS=again"], ["READY=1", "STATUS=up"]]
    made.stop()


def test_nothing_is_told_after_the_end(manager: ServiceManager) -> None:
    manager.well = False
    made = manager.notifier()
    made.stop()
    manager.asked[0].callback(None)
    made.ready("up")
    assert manager.heard() == []
    assert not manager.clock.getDelayedCalls()


@pytest.mark.parametrize("environment", [{}, {"NOTIFY_SOCKET": ""}, {"NOTIFY_SOCKET": "vsock:2:1"}])
def test_without_a_service_manager_nothing_happens(environment: dict[str, str]) -> None:
    clock = Clock()
    made = notifier(environment, clock, lambda: succeed(None))
    made.start()
    made.ready("up")
    made.stopping()
    made.stop()
    assert not clock.getDelayedCalls()


def test_a_service_manager_that_is_gone_is_logged_once(tmp_path: Path) -> None:
    said: list[LogEvent] = []

    @provider(ILogObserver)
    def observe(event: LogEvent) -> None:
        said.append(event)

    globalLogPublisher.addObserver(observe)
    clock = Clock()
    made = notifier({"NOTIFY_SOCKET": str(tmp_path / "gone")}, clock, lambda: succeed(None))
    made.start()
    made.ready("up")
    clock.advance(PULSE)
    globalLogPublisher.removeObserver(observe)
    assert [event["error"] for event in said] == ["No such file or directory"]
    assert not clock.getDelayedCalls()
