"""The `nixos` backend with the stand-in of tests/host/nixos: what it makes, keeps up to date, and takes away."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.contract.world import kill
from tests.daemon.harness import ends
from tests.host.hives import call
from tests.host.internet import HOST, PORT, SERVER, internet, networkd
from tests.host.nixos.standin import remains
from tests.host.nixos.world import NixosWorld, nixos

CONFS = Path("/etc/nixos-containers")
PROFILES = Path("/nix/var/nix/profiles/per-container")
ROOTS = Path("/var/lib/nixos-containers")
LIMITS = 'memory = "64M"\ncpu = "50%"\ntasks = 100\n'

# The builder waits until somebody opens that pipe.
GATE = '"read _ < {gate}; /bin/mkdir'
BUILDER = '"/bin/mkdir'


@pytest.fixture(scope="module")
def world() -> Iterator[NixosWorld]:
    """A hive that is up, for tests that leave it as it was."""
    with nixos() as world:
        world.start()
        yield world


@pytest.fixture
def own_world() -> Iterator[NixosWorld]:
    """A hive of one test alone, whose daemon is not started yet."""
    with nixos(LIMITS) as world:
        yield world


def system(name: str) -> str:
    """The system that the agent's container has."""
    return os.path.realpath(PROFILES / f"h-{name}" / "system")


def test_a_container_is_made_with_its_conf_its_drop_in_and_the_system_of_the_flake(own_world: NixosWorld) -> None:
    world = own_world
    world.start()
    name = world.spawn()
    conf = (CONFS / f"h-{name}.conf").read_text()
    assert "PRIVATE_NETWORK=1\nHOST_ADDRESS=\nLOCAL_ADDRESS=\n" in conf
    assert system(name).startswith("/nix/store/")
    wanted = ["MemoryMax", "CPUQuotaPerSecUSec", "TasksMax", "TimeoutStopUSec", "Restart"]
    shown = call("systemctl", "show", world.unit(name), *(f"--property={it}" for it in wanted)).splitlines()
    assert set(shown) == {
        "MemoryMax=67108864", "CPUQuotaPerSecUSec=500ms", "TasksMax=100", "TimeoutStopUSec=2s", "Restart=no",
    }  # fmt: skip
    assert "hyperhive.service" in call("systemctl", "show", world.unit(name), "--property=Before")
    world.history(name)


WAYS: dict[str, tuple[Callable[[NixosWorld, str], object], str]] = {
    "its program ends well": (lambda world, name: world.order(name, "exit", status=0), "exited with status 0"),
    "its program ends with 3": (lambda world, name: world.order(name, "exit", status=3), "exited with status 3"),
    "its program is killed": (
        lambda world, name: kill(world.program(name), signal.SIGKILL),
        "exited with status 137",
    ),
    "its systemd is killed": (lambda world, name: kill(world.leader(name), signal.SIGKILL), "killed by SIGKILL"),
    "machinectl terminate": (lambda _, name: call("machinectl", "terminate", f"h-{name}"), "stopped from outside"),
    "nixos-container stop": (lambda _, name: call("nixos-container", "stop", f"h-{name}"), "stopped from outside"),
}


def test_a_start_builds_again_only_what_the_flake_has_changed(own_world: NixosWorld) -> None:
    world = own_world
    world.start()
    name = world.spawn()
    first = system(name)
    world.ask("restart", name=name)
    assert system(name) == first
    (world.flake / "etc/motd").write_text("new")
    world.ask("restart", name=name)
    assert system(name) != first
    assert Path(system(name), "etc/motd").read_text() == "new"
    assert world.daemon.log.count(f"nixos-container update h-{name} is done") == 1
    world.history(name)


def test_a_flake_that_can_not_be_built_is_told_in_a_sentence_and_leaves_nothing(own_world: NixosWorld) -> None:
    world = own_world
    world.start()
    whole = (world.flake / "flake.nix").read_text()
    (world.flake / "flake.nix").write_text(whole.replace(BUILDER, '"exit 7; /bin/mkdir'))
    name = world.new_name()
    refusal = world.refusal("spawn", name=name)
    assert f"'nix build for h-{name}' failed: error: builder for" in refusal
    assert f"journalctl --unit=hyperhive.build-h-{name}.service" in refusal
    assert remains(name) == []
    (world.flake / "flake.nix").write_text(whole)
    world.ask("spawn", name=name)
    assert world.told(name, "tell")["HIVE_AGENT"] == name
    world.history(name)


def test_what_was_built_is_started_while_the_flake_can_not_be_read(own_world: NixosWorld) -> None:
    world = own_world
    world.start()
    name = world.spawn()
    world.flake.rename(world.flake.with_name("away"))
    world.ask("restart", name=name)
    assert "can't be read" in world.daemon.log
    assert "can't be read" in world.refusal("spawn", name=world.new_name())
    world.history(name)


def test_a_daemon_killed_while_a_container_is_built_leaves_nothing_half_made(own_world: NixosWorld) -> None:
    world = own_world
    world.start()
    gate = world.hive.base / "gate"
    os.mkfifo(gate, 0o666)
    whole = (world.flake / "flake.nix").read_text()
    (world.flake / "flake.nix").write_text(whole.replace(BUILDER, GATE.format(gate=gate)))
    name = world.new_name()
    world.host.say("spawn", name=name)
    with gate.open("w"):  # the builder is there, and waits for a line
        world.kill_daemon()
        assert not (CONFS / f"h-{name}.conf").exists()
        assert not (PROFILES / f"h-{name}/system").exists()
        builder = builders(gate)
        (world.flake / "flake.nix").write_text(whole)
        world.start()
        world.settled(name)
    assert all(ends(pid) for pid in builder)
    if not world.status(name)["running"]:
        world.ask("start", name=name)
    assert world.told(name, "tell")["HIVE_AGENT"] == name
    world.ask("destroy", name=name, purge=True)
    assert world.remains(name) == []


def test_a_daemon_killed_while_a_container_is_built_can_take_it_away_again(own_world: NixosWorld) -> None:
    world = own_world
    world.start()
    gate = world.hive.base / "gate"
    os.mkfifo(gate, 0o666)
    whole = (world.flake / "flake.nix").read_text()
    (world.flake / "flake.nix").write_text(whole.replace(BUILDER, GATE.format(gate=gate)))
    name = world.new_name()
    world.host.say("spawn", name=name)
    with gate.open("w"):
        world.kill_daemon()
        builder = builders(gate)
        world.flake.rename(world.flake.with_name("away"))  # so that nothing can be finished
        world.start()
        world.settled(name)
        world.ask("destroy", name=name, purge=True)
    assert all(ends(pid) for pid in builder)
    assert world.remains(name) == []


def test_a_container_with_the_network_nat_reaches_the_world_and_no_other(own_world: NixosWorld) -> None:
    world = own_world
    world.configuration = world.configuration.replace('network = "none"', 'network = "nat"')
    with networkd(), internet():
        world.start()
        names = world.spawn(), world.spawn()
        first, second = (world.leader(name) for name in names)
        (link,) = json.loads(in_network(second, "ip", "-json", "-4", "address", "show", "dev", "host0"))
        places = (SERVER, link["addr_info"][0]["local"], "10.215.0.1")
        seen = [seen_from(first, place) for place in places]
        for name in names:
            world.history(name)
    # A refused connection would have come as far as that: these don't.
    assert seen[0] == HOST
    assert set(seen[1:]) <= {"TimeoutError", "OSError"}


def in_network(leader: int, *words: str) -> str:
    """What a command prints in the network of the container with that first process."""
    return call("nsenter", f"--net=/proc/{leader}/ns/net", *words)


def seen_from(leader: int, address: str) -> str:
    """What the server of the internet at that address says to the container, or what became of the attempt."""
    code = f"""
import socket
try:
    with socket.create_connection(({address!r}, {PORT}), 1) as connection:
        print(connection.recv(99).decode())
except OSError as error:
    print(type(error).__name__)
"""
    return in_network(leader, "/usr/bin/python3", "-c", code)


def builders(gate: Path) -> list[int]:
    """The processes that wait at the pipe."""
    found = subprocess.run(["pgrep", "--full", str(gate)], stdout=subprocess.PIPE, text=True, check=False).stdout
    return [int(pid) for pid in found.split()]


# The daemon of these lives to the end of the file, and a host has one daemon with machines: they come last.


def test_an_agent_has_its_directories_and_its_own_user(world: NixosWorld) -> None:
    name = world.spawn()
    told = world.told(name, "tell")
    assert (told["uid"], told["cwd"], told["HIVE_SOCKET"]) == (1000, "/state", "/run/hive/mcp.sock")
    world.told(name, "write", path="/state/note", text="kept")
    world.told(name, "write", path="/home/agent/login", text="secret")
    assert world.told(name, "write", path="/run/hive/x", text="") == "error: Read-only file system"
    assert world.told(name, "write", path="/run/hive-env", text="") in {
        "error: Read-only file system", "error: Permission denied",
    }  # fmt: skip
    assert (world.hive.state / "agents" / name / "state/note").read_text() == "kept"
    assert (world.hive.state / "agents" / name / "credentials/login").read_text() == "secret"
    world.history(name)


def test_each_start_has_a_new_root_and_the_kept_state(world: NixosWorld) -> None:
    name = world.spawn()
    world.told(name, "write", path="/state/note", text="kept")
    root = Path(f"/proc/{world.leader(name)}/root")
    (root / "var/mark").write_text("not kept")
    for verb in ("stop", "start"):
        world.ask(verb, name=name)
    assert world.told(name, "read", path="/state/note") == "kept"
    assert world.told(name, "read", path="/var/mark") is None
    assert not (ROOTS / f"h-{name}/var/mark").exists()
    world.history(name)


@pytest.mark.parametrize("way", WAYS)
def test_a_crash_is_told_with_its_cause_and_systemd_starts_nothing_again(world: NixosWorld, way: str) -> None:
    name = world.spawn()
    leader = world.leader(name)
    do, note = WAYS[way]
    do(world, name)
    assert world.heard(name, "container_crash")["note"] == note
    assert ends(leader)
    assert not world.status(name)["running"]
    world.ask("start", name=name)
    assert world.history(name) == ["spawned", "container_crash", "destroyed"]


def test_destroyed_containers_leave_nothing(world: NixosWorld) -> None:
    names = world.spawn(), world.spawn()
    assert all(remains(name) for name in names)
    os.kill(int(call("systemctl", "show", world.unit(names[0]), "--property=MainPID", "--value")), signal.SIGKILL)
    world.heard(names[0], "container_crash")
    for name in names:
        world.history(name)
        assert remains(name) == []


def test_what_a_killed_systemd_nspawn_left_is_taken_away_by_the_next_start(world: NixosWorld) -> None:
    name = world.spawn()
    os.kill(int(call("systemctl", "show", world.unit(name), "--property=MainPID", "--value")), signal.SIGKILL)
    world.heard(name, "container_crash")
    world.ask("start", name=name)
    assert len(list(ROOTS.glob(f".#machine.h-{name}*"))) == 1
    world.history(name)


def test_a_container_that_is_not_the_hives_is_left_alone(world: NixosWorld) -> None:
    name = world.new_name()
    call("nixos-container", "create", f"h-{name}", "--flake", f"{world.flake}#default")
    theirs = (CONFS / f"h-{name}.conf").read_text()
    assert f"there is a container h-{name} already" in world.refusal("spawn", name=name)
    world.ask("destroy", name=name, purge=True)
    assert (CONFS / f"h-{name}.conf").read_text() == theirs
    call("nixos-container", "destroy", f"h-{name}")


def test_a_container_that_lost_its_system_is_made_anew(world: NixosWorld) -> None:
    name = world.spawn()
    world.ask("stop", name=name)
    call("rm", "-r", str(PROFILES / f"h-{name}"))
    world.ask("start", name=name)
    assert world.told(name, "tell")["HIVE_GENERATION"] == "2"
    world.history(name)
