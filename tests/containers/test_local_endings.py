"""How agents of the `local` backend end: stopped, killed or by themselves, and the causes that are told."""

from __future__ import annotations

import json
import os
import signal
import sys

from hyperhive.boundaries import Plan
from hyperhive.containers.records import read_run
from tests.containers.processes import alive
from tests.containers.scripts import FOREVER, Hive

# Two children, one in a process group and one in a session of its own.
WANDERERS = """
import os, time
sleep = ("/bin/sleep", ["sleep", "1000"], os.environ)
children = os.posix_spawn(*sleep, setpgroup=0), os.posix_spawn(*sleep, setsid=True)
with open(os.environ["HIVE_STATE_DIR"] + "/told", "w") as told:
    print(*children, file=told)
time.sleep(1000)
"""


async def test_a_stopped_agent_is_gone_with_all_it_started(hive: Hive) -> None:
    told = hive.agent("alice", "sleep 1000 & tell $!; " + FOREVER)
    containers, _ = hive.backend()
    await containers.start("alice", 1, Plan())
    child = int(await told.line())
    leader = (await containers.running())["alice"].pid
    await containers.stop("alice")
    assert not alive(leader)
    assert not alive(child)
    assert not await containers.running()
    assert await containers.cause("alice", 1) == "killed by SIGTERM"


async def test_descendants_in_other_groups_and_sessions_die_at_stop(hive: Hive) -> None:
    told = hive.agent("alice", "")
    hive.scripts["alice"] = [sys.executable, "-c", WANDERERS]
    containers, _ = hive.backend()
    await containers.start("alice", 1, Plan())
    in_group, in_session = map(int, (await told.line()).split())
    leader = (await containers.running())["alice"].pid
    assert os.getpgid(in_group) == in_group != leader
    assert os.getsid(in_session) == in_session != leader
    await containers.stop("alice")
    assert not alive(in_group)
    assert not alive(in_session)


async def test_stopping_what_does_not_run_does_nothing(hive: Hive) -> None:
    hive.agent("alice", FOREVER)
    containers, _ = hive.backend()
    await containers.stop("alice")


async def test_an_agent_that_ends_by_itself_is_hinted_at_with_its_exit_status(hive: Hive) -> None:
    hive.agent("alice", 'read _ < "$HIVE_STATE_DIR/go"; exit 3')
    os.mkfifo(hive.layout.notes("alice") / "go")
    containers, hints = hive.backend()
    await containers.start("alice", 4, Plan())
    hint = hints.next()
    (hive.layout.notes("alice") / "go").write_text("now\n")
    await hint
    assert not await containers.running()
    assert await containers.cause("alice", 4) == "exited with status 3"
    assert await containers.cause("alice", 3) is None


async def test_an_agent_that_ends_at_once_was_started_and_is_hinted_at(hive: Hive) -> None:
    hive.agent("alice", "exit 0")
    containers, hints = hive.backend()
    hint = hints.next()
    await containers.start("alice", 1, Plan())
    await hint
    assert await containers.cause("alice", 1) == "exited with status 0"


async def test_an_agent_killed_by_a_signal_is_said_to_be(hive: Hive) -> None:
    hive.agent("alice", FOREVER)
    containers, hints = hive.backend()
    await containers.start("alice", 1, Plan())
    hint = hints.next()
    os.kill((await containers.running())["alice"].pid, signal.SIGKILL)
    await hint
    assert await containers.cause("alice", 1) == "killed by SIGKILL"


async def test_running_is_true_before_the_reactor_has_noticed_an_end(hive: Hive) -> None:
    hive.agent("alice", FOREVER)
    containers, hints = hive.backend()
    await containers.start("alice", 1, Plan())
    run = read_run(hive.layout.runtime("alice"))
    assert run is not None
    with_keeper = os.pidfd_open(run.keeper)
    os.kill(run.leader, signal.SIGKILL)
    os.waitid(os.P_PIDFD, with_keeper, os.WEXITED | os.WNOWAIT)
    os.close(with_keeper)
    hint = hints.next()
    assert not await containers.running()
    await hint


async def test_a_killed_keeper_takes_its_agent_along_and_the_cause_is_not_known(hive: Hive) -> None:
    told = hive.agent("alice", "sleep 1000 & tell $!; " + FOREVER)
    containers, hints = hive.backend()
    await containers.start("alice", 1, Plan())
    child = int(await told.line())
    run = read_run(hive.layout.runtime("alice"))
    assert run is not None
    hint = hints.next()
    os.kill(run.keeper, signal.SIGKILL)
    await hint
    assert not alive(run.leader)
    assert not alive(child)
    assert await containers.cause("alice", 1) is None
    await containers.start("alice", 2, Plan())
    assert (await containers.running())["alice"].generation == 2


async def test_an_agent_that_ignores_sigterm_is_killed_after_the_grace(hive: Hive) -> None:
    told = hive.agent("alice", 'trap "" TERM; sleep 1000 & tell $!; while :; do wait; done')
    containers, _ = hive.backend(grace=0.1)
    await containers.start("alice", 1, Plan())
    child = int(await told.line())
    await containers.stop("alice")
    assert not alive(child)
    assert await containers.cause("alice", 1) == "killed by SIGKILL"


async def test_without_grace_an_agent_is_killed_at_once(hive: Hive) -> None:
    told = hive.agent("alice", "trap 'exit 0' TERM; tell ready; while :; do sleep 0.1; done")
    containers, _ = hive.backend(grace=1000.0)
    await containers.start("alice", 1, Plan())
    await told.line()
    await containers.stop("alice", graceful=False)
    assert await containers.cause("alice", 1) == "killed by SIGKILL"


async def test_a_suspended_agent_with_a_suspended_keeper_ends_too(hive: Hive) -> None:
    told = hive.agent("alice", "trap 'exit 5' TERM; tell ready; while :; do sleep 0.1; done")
    containers, _ = hive.backend()
    await containers.start("alice", 1, Plan())
    await told.line()
    run = read_run(hive.layout.runtime("alice"))
    assert run is not None
    os.kill(run.keeper, signal.SIGSTOP)
    os.killpg(run.leader, signal.SIGSTOP)
    await containers.stop("alice")
    assert await containers.cause("alice", 1) == "exited with status 5"


async def test_a_start_tried_again_under_its_number_forgets_how_the_first_try_ended(hive: Hive) -> None:
    told = hive.agent("alice", "sleep 1000 & tell $!; " + FOREVER)
    containers, hints = hive.backend()
    await containers.start("alice", 1, Plan())
    await told.line()
    await containers.stop("alice")
    assert await containers.cause("alice", 1) == "killed by SIGTERM"
    await containers.start("alice", 1, Plan())
    child = int(await told.line())
    assert await containers.cause("alice", 1) is None
    run = read_run(hive.layout.runtime("alice"))
    assert run is not None
    hint = hints.next()
    os.kill(run.keeper, signal.SIGKILL)
    await hint
    assert not alive(child)
    assert await containers.cause("alice", 1) is None


async def test_records_that_someone_else_wrote_are_not_believed(hive: Hive) -> None:
    hive.agent("alice", FOREVER)
    runtime = hive.layout.runtime("alice")
    runtime.mkdir(parents=True)
    containers, _ = hive.backend()
    for forged in ("", "[]", "{", '{"generation": true, "status": 3}', '{"generation": 1, "status": "x"}', "[" * 4000):
        (runtime / "exit.json").write_text(forged)
        assert await containers.cause("alice", 1) is None
    (runtime / "exit.json").write_text(json.dumps({"generation": 1, "signal": 999}))
    assert await containers.cause("alice", 1) == "killed by signal 999"
    (runtime / "exit.json").unlink()
    os.mkfifo(runtime / "exit.json")
    assert await containers.cause("alice", 1) is None
