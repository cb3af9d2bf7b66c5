"""The `local` backend: agents start and run as real processes, or are refused in a sentence."""

from __future__ import annotations

import errno
import os
import time
from pathlib import Path

import pytest
from twisted.internet.defer import Deferred, gatherResults
from zope.interface.verify import verifyObject

from hyperhive.boundaries import IContainers, Plan
from hyperhive.containers.local import LocalContainers
from hyperhive.errors import ContainerError
from tests.containers.scripts import FOREVER, Hive


async def test_the_backend_is_what_the_boundary_says(hive: Hive) -> None:
    containers, _ = hive.backend()
    verifyObject(IContainers, containers)
    assert (containers.kind, containers.isolates, containers.longest_name) == ("local", False, 32)


async def test_an_agent_that_was_started_runs_as_the_leader_of_its_own_session(hive: Hive) -> None:
    hive.agent("alice", FOREVER)
    containers, _ = hive.backend()
    before = int(time.time())
    await containers.start("alice", 7, Plan())
    running = await containers.running()
    assert running.keys() == {"alice"}
    agent = running["alice"]
    assert agent.generation == 7
    assert before <= agent.since <= time.time()
    assert os.getsid(agent.pid) == os.getpgid(agent.pid) == agent.pid
    assert Path(f"/proc/{agent.pid}/cwd").readlink() == hive.layout.notes("alice")
    assert hive.layout.runtime("alice").stat().st_mode & 0o777 == 0o700


async def test_what_runs_is_known_before_anybody_watches(hive: Hive) -> None:
    hive.agent("alice", FOREVER)
    containers, _ = hive.backend()
    await containers.start("alice", 1, Plan())
    containers.close()
    unwatched = LocalContainers(hive.reactor, hive.layout, hive.scripts.__getitem__)
    assert (await unwatched.running()).keys() == {"alice"}
    unwatched.close()


@pytest.mark.parametrize(
    ("command", "sentence"),
    [
        (["no-such-program"], "'no-such-program' can't be run: No such file or directory"),
        (["/etc/passwd"], "'/etc/passwd' can't be run: Permission denied"),
        ([], "the command for alice is empty; give it a program to run"),
    ],
)
async def test_a_command_that_cannot_be_run_is_refused_in_a_sentence(
    hive: Hive, command: list[str], sentence: str
) -> None:
    hive.agent("alice", "")
    hive.scripts["alice"] = command
    containers, _ = hive.backend()
    with pytest.raises(ContainerError) as refusal:
        await containers.start("alice", 1, Plan())
    assert str(refusal.value) == sentence
    assert not await containers.running()


async def test_a_keeper_that_cannot_be_held_is_not_left_behind(hive: Hive, monkeypatch: pytest.MonkeyPatch) -> None:
    hive.agent("alice", FOREVER)
    containers, _ = hive.backend()
    await containers.running()

    def no_descriptor_left(pid: int) -> int:
        raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))

    with monkeypatch.context() as patch:
        patch.setattr(os, "pidfd_open", no_descriptor_left)
        with pytest.raises(ContainerError, match="the keeper of alice can't be started: Too many open files"):
            await containers.start("alice", 1, Plan())
    containers, _ = hive.backend()
    assert not await containers.running()


async def test_a_missing_directory_is_named_in_the_refusal(hive: Hive) -> None:
    hive.scripts["alice"] = ["true"]
    containers, _ = hive.backend()
    with pytest.raises(ContainerError) as refusal:
        await containers.start("alice", 1, Plan())
    assert str(refusal.value) == f"'{hive.layout.notes('alice')}' can't be run: No such file or directory"


async def test_the_same_start_again_does_nothing_and_another_is_refused(hive: Hive) -> None:
    hive.agent("alice", FOREVER)
    containers, _ = hive.backend()
    await containers.start("alice", 1, Plan())
    first = await containers.running()
    await containers.start("alice", 1, Plan())
    assert await containers.running() == first
    with pytest.raises(ContainerError, match="alice runs already, as start 1; stop it first"):
        await containers.start("alice", 2, Plan())
    with pytest.raises(ContainerError, match="alice runs; stop it first"):
        await containers.remove("alice")
    assert await containers.running() == first


async def test_twenty_agents_start_at_once_and_stop_at_once(hive: Hive) -> None:
    names = [f"agent-{number}" for number in range(20)]
    for name in names:
        hive.agent(name, FOREVER)
    containers, _ = hive.backend()
    await gatherResults([Deferred.fromCoroutine(containers.start(name, 1, Plan())) for name in names])
    assert sorted(await containers.running()) == sorted(names)
    await gatherResults([Deferred.fromCoroutine(containers.stop(name)) for name in names])
    assert not await containers.running()


async def test_a_cancelled_start_leaves_nothing(hive: Hive) -> None:
    hive.agent("alice", FOREVER)
    containers, _ = hive.backend()
    await containers.running()
    starting = Deferred.fromCoroutine(containers.start("alice", 1, Plan()))
    starting.cancel()
    starting.addErrback(lambda _: None)
    await starting
    containers, _ = hive.backend()
    await containers.running()


async def test_remove_takes_records_and_logs_away(hive: Hive) -> None:
    hive.agent("alice", FOREVER)
    containers, _ = hive.backend()
    await containers.remove("alice")
    await containers.start("alice", 1, Plan())
    await containers.stop("alice")
    await containers.remove("alice")
    assert not hive.layout.runtime("alice").exists()
    assert hive.layout.notes("alice").exists()
    assert await containers.log("alice", 5) == []
    assert await containers.cause("alice", 1) is None


async def test_an_agent_takes_what_its_session_holds_and_has_used(hive: Hive) -> None:
    hive.agent("alice", FOREVER)
    containers, _ = hive.backend()
    assert await containers.consumption() == {}
    await containers.start("alice", 1, Plan())
    taken = (await containers.consumption())["alice"]
    assert taken.memory is not None
    assert 0 < taken.memory < 64 * 1024 * 1024
    assert taken.seconds is not None
    assert 0 <= taken.seconds < 30
    await containers.stop("alice", graceful=False)
    assert await containers.consumption() == {}
