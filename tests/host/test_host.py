"""What the other tests here stand on: this host's systemd, machined, cgroups, file systems and Python."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from twisted.internet import defer
from txdbus import client
from txdbus.interface import DBusInterface, Signal

from tests.host.conftest import Start, call

MACHINED = "org.freedesktop.machine1"
MANAGER = DBusInterface("org.freedesktop.machine1.Manager", Signal("MachineNew", "so"), Signal("MachineRemoved", "so"))
LIMITS = {"cpu", "memory", "pids"}


def nspawn(machine: str, tree: Path, *options: str) -> list[str]:
    fixed = ["systemd-nspawn", "--keep-unit", "--settings=no", f"--machine={machine}", f"--directory={tree}"]
    return [*fixed, "--volatile=overlay", *options]


def leader(machine: str) -> int:
    return int(call("machinectl", "show", machine, "--property=Leader", "--value"))


def machines() -> list[str]:
    return [line.split()[0] for line in call("machinectl", "list", "--no-legend").splitlines()]


@asynccontextmanager
async def system_bus() -> AsyncIterator[Any]:
    from twisted.internet import reactor

    connection = await client.connect(reactor, "system")
    left = connection.notifyOnDisconnect
    gone: defer.Deferred[None] = defer.Deferred()
    left(lambda *_: gone.callback(None))
    try:
        yield connection
    finally:
        connection.disconnect()
        await gone


def test_systemd_is_the_first_process_and_every_unit_is_up() -> None:
    reached = subprocess.run(
        ["systemctl", "is-system-running", "--wait"], stdout=subprocess.PIPE, text=True, check=False, timeout=60
    )
    failed = call("systemctl", "list-units", "--failed", "--plain", "--no-legend")
    assert Path("/proc/1/comm").read_text() == "systemd\n"
    assert (reached.stdout.strip(), failed) == ("running", "")


def test_the_network_is_this_hosts_own_and_leads_nowhere() -> None:
    names = [line.split(":")[1].strip() for line in call("ip", "-oneline", "link").splitlines()]
    assert "lo" in names
    assert not call("ip", "route", "show", "default")


def test_the_python_is_the_one_that_the_tests_were_started_with() -> None:
    assert Path(sys.prefix, "bin", "hivectl").exists()


def test_a_nested_machine_registers_in_the_cgroup_of_its_unit(start: Start, agent_image: Path) -> None:
    start("nested", *nspawn("h-a", agent_image, "--as-pid2", "sleep", "infinity"), Type="notify", Delegate="yes")
    assert "h-a" in machines()
    cgroup = Path(f"/proc/{leader('h-a')}/cgroup").read_text().splitlines()[-1]
    assert cgroup == "0::/system.slice/nested.service/payload"
    assert call("systemctl", "show", "nested", "--property=Delegate", "--value") == "yes"


async def test_the_kill_of_a_leader_is_heard_from_machined(start: Start, agent_image: Path) -> None:
    start("nested", *nspawn("h-a", agent_image, "--as-pid2", "sleep", "infinity"), Type="notify", Delegate="yes")
    removed: defer.Deferred[str] = defer.Deferred()
    async with system_bus() as bus:
        manager = await bus.getRemoteObject(MACHINED, "/org/freedesktop/machine1", MANAGER)
        await manager.notifyOnSignal("MachineRemoved", lambda name, _path: removed.callback(name))
        os.kill(leader("h-a"), signal.SIGKILL)
        assert await removed == "h-a"
    assert "h-a" not in machines()


def test_a_machine_with_users_of_its_own_writes_as_its_user_into_an_idmapped_directory(
    agent_image: Path, state: Path
) -> None:
    options = ["--private-users=pick", "--private-users-ownership=map", "--read-only", f"--bind={state}:/mnt:idmap"]
    command = [*nspawn("h-a", agent_image, *options), "sh", "-c", "cat /proc/self/uid_map; touch /mnt/mine"]
    command.remove("--volatile=overlay")
    shown = call("systemd-run", "--quiet", "--pipe", "--wait", "--collect", "--property=Delegate=yes", *command)
    assert shown.split()[1] != "0"
    assert (state / "mine").stat().st_uid == 0


def test_a_nested_machine_boots_a_systemd_of_its_own(start: Start, host_tree: Path) -> None:
    start("nested", *nspawn("h-a", host_tree, "--boot", "--notify-ready=yes"), Type="notify", Delegate="yes")
    assert Path(f"/proc/{leader('h-a')}/comm").read_text() == "systemd\n"
    # Nobody in it has to be asked: a machine that powers off takes its time.
    call("machinectl", "kill", "h-a", "--kill-who=leader", "--signal=KILL")


def test_limits_of_a_unit_are_set(start: Start) -> None:
    start("limited", "sleep", "infinity", MemoryMax="64M", TasksMax="20", CPUQuota="50%")
    wanted = ["--property=MemoryMax", "--property=TasksMax", "--property=CPUQuotaPerSecUSec"]
    assert set(call("systemctl", "show", "limited", *wanted).splitlines()) == {
        "MemoryMax=67108864",
        "TasksMax=20",
        "CPUQuotaPerSecUSec=500ms",
    }


def test_the_controllers_that_limits_need_are_handed_down() -> None:
    there = set(Path("/sys/fs/cgroup/cgroup.controllers").read_text().split())
    if missing := LIMITS - there:
        pytest.skip(f"not on cgroup v2 of this machine, so no limit binds: {', '.join(sorted(missing))}")
    assert there >= LIMITS


def test_the_state_directory_takes_the_upper_layer_of_an_overlay(state: Path, agent_image: Path) -> None:
    upper, work, merged = state / "upper", state / "work", state / "merged"
    for path in (upper, work, merged):
        path.mkdir()
    layers = f"lowerdir={agent_image},upperdir={upper},workdir={work}"
    call("mount", "-t", "overlay", "-o", layers, "overlay", str(merged))
    try:
        (merged / "etc" / "mark").write_text("mine")
        assert (upper / "etc" / "mark").read_text() == "mine"
    finally:
        call("umount", str(merged))


def test_a_btrfs_takes_snapshots() -> None:
    btrfs = Path(os.environ["HYPERHIVE_TEST_HOST_BTRFS"])
    if not btrfs.is_dir():
        pytest.skip("the kernel of this machine has no btrfs")
    call("btrfs", "subvolume", "create", str(btrfs / "first"))
    call("btrfs", "subvolume", "snapshot", str(btrfs / "first"), str(btrfs / "second"))
    call("btrfs", "subvolume", "delete", str(btrfs / "first"), str(btrfs / "second"))


def test_nix_is_there() -> None:
    assert call("nix", "--version").startswith("nix (Nix) ")
