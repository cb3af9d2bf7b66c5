"""Leaders: real processes in mount namespaces of their own, held so that their ends are seen at once."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from twisted.internet.defer import Deferred

from hyperhive.containers import proc
from hyperhive.containers.leader import Leader

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root can make mount namespaces")


class Process:
    """A process in a mount namespace of its own."""

    def __init__(self) -> None:
        words = ["unshare", "--mount", "--propagation=private", "sh", "-c", "echo in it; exec sleep 1000"]
        self.popen = subprocess.Popen(words, stdout=subprocess.PIPE)
        assert self.popen.stdout is not None
        assert self.popen.stdout.readline() == b"in it\n"
        self.pid = self.popen.pid
        process = proc.look(self.pid)
        assert process is not None
        self.started = process.started
        self.namespace = str(Path(f"/proc/{self.pid}/ns/mnt").readlink())

    def end(self) -> None:
        self.popen.send_signal(signal.SIGKILL)

    def reap(self) -> None:
        self.end()
        self.popen.wait()
        assert self.popen.stdout is not None
        self.popen.stdout.close()


class Reactor:
    """The reactor; tells when what was asked of a thread has been done."""

    def __init__(self) -> None:
        from twisted.internet import reactor

        self._reactor: Any = reactor
        self.done: Deferred[None] = Deferred()

    def callInThread(self, work: Callable[..., Any], *args: Any) -> None:
        def do() -> None:
            work(*args)
            self._reactor.callFromThread(self.done.callback, None)

        self._reactor.callInThread(do)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._reactor, name)


@pytest.fixture
def process() -> Iterator[Process]:
    it = Process()
    yield it
    it.reap()


@pytest.fixture
def reactor() -> Any:
    return Reactor()


def hold(reactor: Any, process: Process, ended: Callable[[], None], later: int = 0) -> Leader | None:
    return Leader.hold(reactor, process.pid, process.started + later, ended)


async def test_the_end_of_a_leader_is_seen_once_and_its_namespace_let_go(reactor: Any, process: Process) -> None:
    ends: Deferred[None] = Deferred()
    leader = hold(reactor, process, lambda: ends.callback(None))
    assert leader is not None
    assert leader.alive()
    assert process.namespace in held()
    process.end()
    await ends
    assert not leader.alive()
    await reactor.done
    assert process.namespace not in held()
    leader.close()


async def test_its_end_is_known_to_who_asks_before_the_reactor_has_seen_it(reactor: Any, process: Process) -> None:
    leader = hold(reactor, process, lambda: None)
    assert leader is not None
    process.reap()
    assert not leader.alive()
    leader.close()
    await reactor.done


async def test_one_that_is_not_held_any_more_is_not_heard_of(reactor: Any, process: Process) -> None:
    ends: list[None] = []
    leader = hold(reactor, process, lambda: ends.append(None))
    assert leader is not None
    leader.close()
    await reactor.done
    assert process.namespace not in held()
    process.reap()
    leader.close()
    assert not leader.alive()
    assert not ends


def test_a_process_that_has_ended_is_not_held(reactor: Any, process: Process) -> None:
    process.end()
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    assert hold(reactor, process, lambda: None) is None
    process.reap()
    assert hold(reactor, process, lambda: None) is None
    assert process.namespace not in held()


def test_another_process_of_the_same_number_is_not_held(reactor: Any, process: Process) -> None:
    assert hold(reactor, process, lambda: None, later=1) is None
    assert process.namespace not in held()


def held() -> set[str]:
    """What this process has open."""
    found = set()
    for descriptor in Path("/proc/self/fd").iterdir():
        try:
            found.add(str(descriptor.readlink()))
        except FileNotFoundError:
            continue
    return found
