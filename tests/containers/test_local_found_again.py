"""Agents and keepers of the `local` backend that one daemon leaves and the next one finds."""

from __future__ import annotations

import os
import signal
import sys

import pytest
from twisted.internet.defer import Deferred

from hyperhive.boundaries import Plan
from hyperhive.containers import keeper, pidfd
from hyperhive.containers.local import LocalContainers
from hyperhive.containers.records import read_run
from hyperhive.errors import ContainerError
from tests.containers.processes import alive
from tests.containers.scripts import FOREVER, Hive


async def test_what_a_keeper_left_that_was_killed_while_no_daemon_ran_is_ended(hive: Hive) -> None:
    told = hive.agent("alice", "sleep 1000 & tell $!; " + FOREVER)
    containers, _ = hive.backend()
    await containers.start("alice", 1, Plan())
    child = int(await told.line())
    run = read_run(hive.layout.runtime("alice"))
    assert run is not None
    containers.close()
    leader = os.pidfd_open(run.leader)
    os.kill(run.keeper, signal.SIGKILL)
    assert pidfd.wait(leader, 10), "the kernel ends the leader with its keeper"
    os.close(leader)
    assert alive(child)
    containers, _ = hive.backend()
    assert not await containers.running()
    assert not alive(child)


async def test_agents_are_found_again_by_the_next_daemon_and_can_be_stopped_by_it(hive: Hive) -> None:
    hive.agent("alice", FOREVER)
    hive.agent("bob", FOREVER)
    containers, _ = hive.backend()
    await containers.start("alice", 1, Plan())
    await containers.start("bob", 2, Plan())
    before = await containers.running()
    containers, hints = hive.backend()
    assert await containers.running() == before
    await containers.start("alice", 1, Plan())
    await containers.stop("alice")
    hint = hints.next()
    os.kill(before["bob"].pid, signal.SIGKILL)
    await hint
    assert await containers.cause("bob", 2) == "killed by SIGKILL"


async def test_an_agent_that_ended_while_no_daemon_ran_has_its_cause(hive: Hive) -> None:
    hive.agent("alice", FOREVER)
    containers, _ = hive.backend()
    await containers.start("alice", 1, Plan())
    run = read_run(hive.layout.runtime("alice"))
    assert run is not None
    containers.close()
    with_keeper = os.pidfd_open(run.keeper)
    os.kill(run.leader, signal.SIGSEGV)
    os.waitid(os.P_PIDFD, with_keeper, os.WEXITED | os.WNOWAIT)
    os.close(with_keeper)
    containers, _ = hive.backend()
    assert not await containers.running()
    assert await containers.cause("alice", 1) == "killed by SIGSEGV"


async def test_a_keeper_whose_daemon_died_right_after_the_fork_is_found(hive: Hive) -> None:
    hive.agent("alice", FOREVER)
    hive.layout.runtime("alice").mkdir(parents=True)
    directories = [str(hive.layout.runtime("alice")), str(hive.layout.notes("alice"))]
    arguments = [sys.executable, "-I", "-S", keeper.__file__, *directories, "-", *hive.scripts["alice"]]
    marks = {"HIVE_KEEPER_STATE": str(hive.layout.state), "HIVE_KEEPER_AGENT": "alice", "HIVE_KEEPER_GENERATION": "5"}
    nobody_reads, out = os.pipe()
    os.close(nobody_reads)
    to_stdout = [(os.POSIX_SPAWN_DUP2, out, 1)]
    kept = os.posix_spawn(sys.executable, arguments, os.environ | marks, file_actions=to_stdout)
    os.close(out)
    containers, _ = hive.backend()
    assert (await containers.running())["alice"].generation == 5
    await containers.stop("alice")
    os.waitpid(kept, 0)


async def test_a_keeper_that_never_comes_up_is_ended(hive: Hive, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hyperhive.containers.local_watch.START_SECONDS", 0.1)
    hive.agent("alice", FOREVER)
    marks = {"HIVE_KEEPER_STATE": str(hive.layout.state), "HIVE_KEEPER_AGENT": "alice", "HIVE_KEEPER_GENERATION": "5"}
    stuck = os.posix_spawn("/bin/sleep", ["sleep", "1000"], marks, setsid=True)
    containers, _ = hive.backend()
    assert not await containers.running()
    assert os.waitstatus_to_exitcode(os.waitpid(stuck, 0)[1]) == -signal.SIGKILL


async def test_another_hives_agents_are_not_ours(hive: Hive) -> None:
    marks = {"HIVE_KEEPER_STATE": "/other", "HIVE_KEEPER_AGENT": "alice", "HIVE_KEEPER_GENERATION": "5"}
    stranger = os.posix_spawn("/bin/sleep", ["sleep", "1000"], marks, setsid=True)
    containers, _ = hive.backend()
    assert not await containers.running()
    assert alive(stranger)
    os.kill(stranger, signal.SIGKILL)
    os.waitpid(stranger, 0)


async def test_a_second_keeper_of_one_agent_gives_up(hive: Hive) -> None:
    hive.agent("alice", FOREVER)
    containers, _ = hive.backend()
    unaware = LocalContainers(hive.reactor, hive.layout, hive.scripts.__getitem__)
    assert not await unaware.running()
    await containers.start("alice", 1, Plan())
    with pytest.raises(ContainerError, match="another start of alice is running already; stop it first"):
        await unaware.start("alice", 2, Plan())
    unaware.close()


async def test_the_keeper_takes_no_notice_of_what_ends_a_daemon(hive: Hive) -> None:
    hive.agent("alice", FOREVER)
    containers, _ = hive.backend()
    await containers.start("alice", 1, Plan())
    run = read_run(hive.layout.runtime("alice"))
    assert run is not None
    assert os.getsid(run.keeper) == run.keeper
    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
        os.kill(run.keeper, number)
    assert "alice" in await containers.running()


async def test_a_start_closed_on_halfway_is_found_by_the_next_daemon(hive: Hive) -> None:
    hive.agent("alice", FOREVER)
    containers, _ = hive.backend()
    await containers.running()
    starting = Deferred.fromCoroutine(containers.start("alice", 1, Plan()))
    containers.close()
    await starting
    with pytest.raises(ContainerError, match="the daemon is ending"):
        await containers.running()
    containers, _ = hive.backend()
    assert (await containers.running())["alice"].generation == 1
