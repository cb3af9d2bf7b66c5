"""What an operator does first, by the documentation: install, an image, `nspawn` with its own network, all hardened."""

from __future__ import annotations

import json
import os
import signal
import stat
import struct
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from hyperhive.hive import FILES_OF_AN_AGENT
from tests.daemon.client import Client, event
from tests.host.conftest import Start, call
from tests.host.internet import networkd
from tests.host.nixos.standin import nixos_host, remains
from tests.host.tarballs import packed

HIVECTL = str(Path(sys.executable).with_name("hivectl"))
RUN = Path("/run/hyperhive")
STATE = Path("/var/lib/hyperhive")
SETTINGS = Path("/etc/hyperhive.toml")
DROP_IN = Path("/run/systemd/system/hyperhive.service.d/test.conf")


@pytest.fixture
def service(agent_image: Path, state: Path) -> Iterator[None]:
    """The service as installed and started, with machines on the image of this host."""
    with serving(state, nspawn(agent_image)):
        yield


@contextmanager
def serving(state: Path, settings: str) -> Iterator[None]:
    """The service with those settings, as installed, and started meanwhile; nothing is left of it at the end."""
    call(HIVECTL, "install")
    SETTINGS.write_text(settings)
    call("systemd-sysusers")
    call("systemctl", "daemon-reload")
    STATE.mkdir(mode=0o700)
    call("mount", "--bind", str(state), str(STATE))  # the test host's own root is an overlay, which takes no other
    try:
        with networkd():
            call("systemctl", "start", "hyperhive")
            yield
            for name in [*running(), "manager"]:
                hivectl("stop", name)
    finally:
        call("systemctl", "stop", "hyperhive")
        SETTINGS.unlink()
        call("umount", str(STATE))
        call("rm", "-rf", str(STATE), str(RUN))
        call(HIVECTL, "uninstall")
        call("systemctl", "daemon-reload")


def nspawn(image: Path) -> str:
    """The settings for machines on that image."""
    return f'containers = "nspawn"\nagent_command = ["sleep", "inf"]\n[nspawn]\nimage = "{image}"\n'


def hivectl(*words: str) -> Any:
    return json.loads(call(HIVECTL, "--json", *words))


def running() -> dict[str, str]:
    """The leader of each agent's machine that runs."""
    rows = hivectl("agents")["agent_statuses"]
    return {row["name"]: leader(row["name"]) for row in rows if row["running"]}


def leader(name: str) -> str:
    return call("machinectl", "show", f"h-{name}", "--property=Leader", "--value")


def address(name: str) -> str:
    """What the agent's machine has of a network."""
    inside = ("nsenter", f"--net=/proc/{leader(name)}/ns/net")
    return call(*inside, "ip", "-brief", "-4", "address", "show", "host0")


def open_files() -> Counter[str]:
    """How many of each kind the daemon has open."""
    pid = call("systemctl", "show", "hyperhive", "--property=MainPID", "--value")
    return Counter(str(path.readlink()).partition(":")[0] for path in Path(f"/proc/{pid}/fd").iterdir())


def test_agents_run_in_machines_with_a_network_of_their_own(service: None) -> None:
    hivectl("spawn", "alice")
    assert running().keys() == {"alice", "manager"}
    assert "10.215." in address("alice")
    assert hivectl("agents")["backend"] == {"kind": "nspawn", "isolates": True}


def test_the_hardened_service_unpacks_a_tarball_with_owners_and_rights_and_starts_machines_on_it(
    tree: Path, state: Path
) -> None:
    program, rights = tree / "usr/bin/of-the-test", struct.pack("<5I", 0x02000000, 1 << 10, 0, 0, 0)
    program.touch()
    os.chown(program, 1000, 1000)
    program.chmod(0o6755)
    os.setxattr(program, "security.capability", rights)
    os.mknod(tree / "dev/of-the-test", 0o020666, os.makedev(1, 3))
    with serving(state, nspawn(packed(tree, state / "image.tar", "--xattrs"))):
        hivectl("spawn", "alice")
        assert "10.215." in address("alice")
        (unpacked,) = [path for path in (STATE / "images").iterdir() if not path.name.startswith(".")]
        seen = (unpacked / "usr/bin/of-the-test").stat()
        assert (seen.st_uid, seen.st_gid, stat.S_IMODE(seen.st_mode)) == (1000, 1000, 0o6755)
        assert os.getxattr(unpacked / "usr/bin/of-the-test", "security.capability") == rights
        assert not (unpacked / "dev/of-the-test").exists()


def test_the_hardened_service_has_containers_of_nixos_made_and_starts_them(state: Path, start: Start) -> None:
    settings = nixos_host(state, network="nat")
    for directory in ("/etc/nixos-containers", "/var/lib/nixos-containers"):  # as nix/module.nix does
        Path(directory).mkdir(exist_ok=True)
    start("nix-of-the-test", "--socket-property=ListenStream=/nix/var/nix/daemon-socket/socket", "nix-daemon")
    DROP_IN.parent.mkdir(exist_ok=True)
    DROP_IN.write_text("[Service]\nEnvironment=NIX_REMOTE=daemon\n")
    try:
        with serving(state, f'containers = "nixos"\nagent_command = ["sleep", "inf"]\n{settings}'):
            hivectl("spawn", "alice")
            assert running().keys() == {"alice", "manager"}
            assert "10.215." in address("alice")
            assert hivectl("agents")["backend"] == {"kind": "nixos", "isolates": False}
            hivectl("restart", "alice")
            hivectl("destroy", "alice")
            assert not remains("alice")
    finally:
        call("nixos-container", "destroy", "h-manager")  # which no hive of a later test has made
        call("rm", "-r", str(DROP_IN.parent))
        call("systemctl", "stop", "nix-of-the-test.socket")


def test_what_a_killed_systemd_nspawn_left_mounted_is_taken_away_by_the_hardened_service(service: None) -> None:
    mount = Path("/run/systemd/nspawn/unix-export/h-alice")
    mount.mkdir(parents=True)
    call("mount", "-t", "tmpfs", "left", str(mount))
    (mount / "left").touch()
    hivectl("spawn", "alice")
    assert not (mount / "left").exists()
    assert running().keys() == {"alice", "manager"}


def test_a_machine_takes_as_many_open_files_as_the_daemon_reckons_with(service: None) -> None:
    with Client(RUN / "host.sock") as host:
        assert host.ask("start", name="manager")["ok"]  # which is being started since the daemon is up
        assert host.ask("spawn", name="alice")["ok"]
        before = open_files()
        assert host.ask("spawn", name="bob")["ok"]
        with Client(RUN / "agents/bob/mcp.sock") as bob:
            assert bob.ask("recv", wait_seconds=0)
            more = open_files() - before
        assert more.total() == FILES_OF_AN_AGENT, more


def test_a_restart_of_the_service_leaves_the_machines_alone(service: None) -> None:
    hivectl("spawn", "alice")
    before = running()
    call("systemctl", "restart", "hyperhive")
    assert running() == before
    hivectl("restart", "alice")
    assert running().keys() == before.keys()


def test_a_crash_is_heard_with_its_cause(service: None) -> None:
    hivectl("spawn", "alice")
    with Client(RUN / "manager/mcp.sock") as manager:
        assert event(manager.ask("recv", wait_seconds=20))["event"] == "spawned"
        os.kill(int(leader("alice")), signal.SIGKILL)
        told = event(manager.ask("recv", wait_seconds=20))
    assert told == {"event": "container_crash", "agent": "alice", "note": "killed by SIGKILL"}


def test_the_daemon_ends_before_the_machines_when_the_host_stops(service: None) -> None:
    hivectl("spawn", "alice")
    assert "hyperhive-alice.service" in call("systemctl", "show", "hyperhive", "--property=After", "--value").split()


def test_a_machine_whose_systemd_nspawn_was_killed_starts_again(service: None) -> None:
    hivectl("spawn", "alice")
    with Client(RUN / "manager/mcp.sock") as manager:
        assert event(manager.ask("recv", wait_seconds=20))["event"] == "spawned"
        call("systemctl", "kill", "--signal=KILL", "hyperhive-alice.service")
        assert event(manager.ask("recv", wait_seconds=20))["note"] == "killed by SIGKILL"
    hivectl("start", "alice")
    assert "alice" in running()


def test_a_machine_that_is_stopped_as_soon_as_it_is_started_hears_of_it(service: None) -> None:
    hivectl("spawn", "alice")
    hivectl("stop", "alice")
    call("journalctl", "--sync")
    assert "timed out" not in call("journalctl", "--boot", "--unit=hyperhive-alice.service", "--output=cat")
