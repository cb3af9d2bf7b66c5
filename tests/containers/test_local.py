"""The `local` backend: agents start, run, end and are found again, as real processes."""

from __future__ import annotations

import errno
import json
import os
import resource
import signal
import socket
import sys
import time
from pathlib import Path

import pytest
from twisted.internet.defer import Deferred, gatherResults
from zope.interface.verify import verifyObject

from hyperhive import __version__
from hyperhive.agent_config import AgentConfig, Limits, Mount, Runner
from hyperhive.boundaries import IContainers, Plan
from hyperhive.containers import keeper, local_plan, pidfd, proc
from hyperhive.containers.local import LocalContainers
from hyperhive.containers.records import read_run
from hyperhive.errors import ContainerError
from tests.containers.conftest import Hive, alive, descriptors
from tests.daemon.harness import ends

FOREVER = "exec sleep 1000"

# Two children, one in a process group and one in a session of its own.
WANDERERS = """
import os, time
sleep = ("/bin/sleep", ["sleep", "1000"], os.environ)
children = os.posix_spawn(*sleep, setpgroup=0), os.posix_spawn(*sleep, setsid=True)
with open(os.environ["HIVE_STATE_DIR"] + "/told", "w") as told:
    print(*children, file=told)
time.sleep(1000)
"""


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


async def test_the_environment_is_the_daemons_own_without_its_private_parts(
    hive: Hive, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HIVE_HOST_SOCKET", "NOTIFY_SOCKET", "WATCHDOG_USEC", "LISTEN_FDS", "LISTEN_PID"):
        monkeypatch.setenv(name, "private")
    monkeypatch.setenv("KEPT", "yes")
    hive.extra["HIVE_RUNNER_COMMAND"] = '["cat"]'
    hive.agent("alice", FOREVER)
    hive.scripts["alice"] = ["sleep", "1000"]
    containers, _ = hive.backend()
    await containers.start("alice", 9, Plan())
    environment = proc.environment((await containers.running())["alice"].pid)
    assert environment[b"KEPT"] == b"yes"
    assert {
        name: value for name, value in environment.items() if name.startswith((b"HIVE", b"NOTIFY", b"WATCH", b"LIS"))
    } == {
        b"HIVE_SOCKET": os.fsencode(hive.layout.agent_socket("alice")),
        b"HIVE_AGENT": b"alice",
        b"HIVE_STATE_DIR": os.fsencode(hive.layout.notes("alice")),
        b"HIVE_CREDENTIALS_DIR": os.fsencode(hive.layout.credentials("alice")),
        b"HIVE_GENERATION": b"9",
        b"HIVE_RUNNER_COMMAND": b'["cat"]',
    }


async def test_an_agent_has_the_environment_of_its_configuration_and_knows_where_its_files_are(
    hive: Hive, tmp_path: Path
) -> None:
    hive.extra |= {"HIVE_RUNNER_COMMAND": "cat", "EDITOR": "ed"}
    hive.agent("manager", FOREVER)
    hive.scripts["manager"] = ["sleep", "1000"]
    containers, _ = hive.backend()
    config = AgentConfig(environment={"EDITOR": "vi", "NEW": "1"}, runner=Runner(command=("echo", "a b"), model="m"))
    await containers.start("manager", 1, Plan(config=config, files=tmp_path))
    environment = proc.environment((await containers.running())["manager"].pid)
    told = {
        "EDITOR": "vi",
        "NEW": "1",
        "HIVE_RUNNER_COMMAND": "echo 'a b'",
        "HIVE_MODEL": "m",
        "HIVE_CONFIG_DIR": str(tmp_path),
        "HIVE_AGENTS_DIR": str(hive.layout.proposals),
        "HIVE_APPLIED_DIR": str(hive.layout.applications),
        "HIVE_AGENT": "manager",
    }
    assert {name: os.fsdecode(environment.get(os.fsencode(name), b"")) for name in told} == told


NEEDS_A_CONTAINER = {
    "limits.memory": AgentConfig(limits=Limits(memory=1 << 30)),
    "limits.tasks": AgentConfig(limits=Limits(tasks=20)),
    "mounts": AgentConfig(mounts=(Mount(source=Path("/srv"), target=Path("/srv")),)),
    "network": AgentConfig(network="none"),
    "image": AgentConfig(image=Path("/srv/image")),
}


@pytest.mark.parametrize("part", NEEDS_A_CONTAINER)
async def test_what_only_a_container_can_hold_an_agent_to_is_refused_by_its_name(hive: Hive, part: str) -> None:
    hive.agent("alice", FOREVER)
    containers, _ = hive.backend()
    plan = Plan(config=NEEDS_A_CONTAINER[part])
    said = containers.objection(plan.config)
    assert said == (
        f"'{part}' can't be had with containers 'local', which isolates nobody: "
        "leave it out, or run the hive on 'nspawn'"
    )
    with pytest.raises(ContainerError, match="alice could not be started: "):
        await containers.start("alice", 1, plan)
    assert not await containers.running()


async def test_the_network_of_the_host_is_the_one_that_a_process_has(hive: Hive) -> None:
    containers, _ = hive.backend()
    assert containers.objection(AgentConfig(network="host", environment={"A": "b"})) is None


async def test_an_agent_is_made_of_this_version_and_its_files_are_our_own_users(hive: Hive) -> None:
    containers, _ = hive.backend()
    assert await containers.origin(Plan()) == f"hyperhive {__version__}"
    assert await containers.writer() is None


async def test_a_check_runs_beside_the_agent_with_its_environment_in_its_directory(hive: Hive) -> None:
    hive.agent("alice", FOREVER)
    containers, _ = hive.backend()
    await containers.start("alice", 4, Plan(config=AgentConfig(environment={"NEW": "two words"})))
    script = 'test "$NEW$HIVE_GENERATION" = "two words4" && test "$PWD" = "$HIVE_STATE_DIR" && test -z "$LC_ALL"'
    await containers.check("alice", ["sh", "-c", script])


async def test_a_check_that_fails_is_told_with_its_last_complaint(hive: Hive) -> None:
    hive.agent("alice", FOREVER)
    containers, _ = hive.backend()
    await containers.start("alice", 1, Plan())
    with pytest.raises(ContainerError, match=r"^'sh -c 'echo first.*' failed: no good$"):
        await containers.check("alice", ["sh", "-c", "echo first >&2; echo no good >&2; exit 1"])
    with pytest.raises(ContainerError, match=r"^'false' failed: it did not say why$"):
        await containers.check("alice", ["false"])
    with pytest.raises(ContainerError, match=r"'/no/such' failed: .*No such file"):
        await containers.check("alice", ["/no/such"])


async def test_a_check_that_takes_too_long_is_killed_with_what_it_started(
    hive: Hive, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(local_plan, "CHECK_SECONDS", 3)  # by which the script has told its child, on any machine
    told = hive.agent("alice", FOREVER)
    containers, _ = hive.backend()
    await containers.start("alice", 1, Plan())
    line = told.line()
    script = 'sleep 1000 & echo $! > "$HIVE_STATE_DIR/told"; wait'
    with pytest.raises(ContainerError, match="did not end within 3 seconds: it was killed"):
        await containers.check("alice", ["sh", "-c", script])
    assert ends(int(await line))


async def test_who_does_not_run_can_not_be_checked(hive: Hive) -> None:
    containers, _ = hive.backend()
    with pytest.raises(ContainerError, match="alice does not run, and can't be checked"):
        await containers.check("alice", ["true"])


async def test_an_agent_inherits_no_descriptor_limit_mask_or_ignored_signal(hive: Hive) -> None:
    hive.agent("alice", FOREVER)
    hive.scripts["alice"] = ["sleep", "1000"]
    containers, _ = hive.backend(soft_files=321)
    ours, theirs = socket.socketpair()
    ours.set_inheritable(True)
    theirs.set_inheritable(True)
    former = os.umask(0o077)
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR1})
    try:
        await containers.start("alice", 1, Plan())
    finally:
        os.umask(former)
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        ours.close()
        theirs.close()
    run = read_run(hive.layout.runtime("alice"))
    assert run is not None
    assert descriptors(run.leader).keys() == {"0", "1", "2"}
    assert not any(target.startswith("socket:") for target in descriptors(run.keeper).values())
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    assert resource.prlimit(run.leader, resource.RLIMIT_NOFILE) == (321, hard)
    lines = Path(f"/proc/{run.leader}/status").read_text(encoding="ascii").splitlines()
    status = dict(line.split(":\t", 1) for line in lines if ":\t" in line)
    assert status["Umask"] == "0022"
    standard = (1 << 31) - 1
    assert int(status["SigIgn"], 16) & standard == int(status["SigBlk"], 16) == 0


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
