"""What an agent of the `local` backend has around it: environment, descriptors, signals, checks, and no container."""

from __future__ import annotations

import os
import resource
import signal
import socket
from pathlib import Path

import pytest

from hyperhive import __version__
from hyperhive.agent_config import AgentConfig, Limits, Mount, Runner
from hyperhive.boundaries import Plan
from hyperhive.containers import local_plan, proc
from hyperhive.containers.records import read_run
from hyperhive.errors import ContainerError
from tests.containers.processes import descriptors
from tests.containers.scripts import FOREVER, Hive
from tests.daemon.harness import ends


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
