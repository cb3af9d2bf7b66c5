"""What network machines have: that of `nat` above all, with a real networkd and the kernel's own packets."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.docs.pages import blocks
from tests.host.hives import NspawnHive, call
from tests.host.internet import HOST, IN, NETWORKS, PORT, SERVER, internet, networkd, put_files, visit
from tests.host.puppets import COMMAND, Puppet, introduce
from tests.host.test_crashes import shim

UPLINKS = Path("/run/systemd/resolve/resolv.conf")

MakeHive = Callable[..., NspawnHive]


@pytest.fixture
def make_hive(state: Path, agent_image: Path) -> Iterator[MakeHive]:
    """Make the test's hive; its network is `nat` unless another is named."""
    made = []

    def make(**settings: str) -> NspawnHive:
        made.append(NspawnHive(state, agent_image, **{"network": "nat", **settings}))
        return made[-1]

    yield make
    for hive in made:
        hive.end()


@pytest.fixture
def outside() -> Iterator[None]:
    with networkd(), internet():
        yield


def spawned(hive: NspawnHive, name: str = "alice") -> Puppet:
    with hive.host() as host:
        assert host.ask("spawn", name=name)["ok"]
    return Puppet(hive, name)


def refusal(hive: NspawnHive) -> str:
    """Why the hive starts no agent."""
    with hive.host() as host:
        answer = host.ask("spawn", name="alice")
    assert not answer["ok"]
    return str(answer["error"])


def from_the_internet(address: str) -> str:
    """What becomes of a connection from the internet to that address of the hive's network."""
    code = f"import socket; socket.create_connection(({address!r}, {PORT}), 1)"
    ran = subprocess.run([*IN, sys.executable, "-c", code], capture_output=True, text=True, timeout=30, check=False)
    return ran.stderr.strip().rpartition("\n")[2] or "it went well"


@pytest.mark.usefixtures("outside")
def test_a_machine_reaches_the_internet_as_soon_as_it_is_started_and_is_seen_as_the_host(make_hive: MakeHive) -> None:
    hive = make_hive()
    hive.open()
    alice = spawned(hive)
    code = f"import socket\n{visit(SERVER)}\nprint(result)"
    assert call("nsenter", f"--net=/proc/{alice.leader}/ns/net", sys.executable, "-c", code) == HOST


@pytest.mark.usefixtures("outside")
def test_the_agents_own_programs_reach_the_internet(make_hive: MakeHive) -> None:
    hive = make_hive()
    hive.open(command=COMMAND)
    alice = spawned(hive)
    alice.wait()
    assert alice.do(visit(SERVER)) == HOST


@pytest.mark.usefixtures("outside")
def test_the_host_gets_into_a_machine_and_the_internet_does_not(make_hive: MakeHive) -> None:
    hive = make_hive()
    hive.open(command=COMMAND)
    alice = spawned(hive)
    alice.wait()
    alice.do(f"server = socket.create_server(('', {PORT}))\nif os.fork() == 0:\n    signal.pause()")
    with socket.create_connection((alice.address, PORT), 5):
        assert from_the_internet(alice.address) == "TimeoutError: timed out"


@pytest.mark.usefixtures("outside")
def test_a_machine_that_outlives_the_daemon_keeps_its_network_and_one_that_starts_anew_has_its_address_again(
    make_hive: MakeHive,
) -> None:
    hive = make_hive()
    daemon = hive.open(command=COMMAND)
    alice = spawned(hive)
    before = alice.address
    daemon.kill()
    hive.open(command=COMMAND)
    alice.wait()
    assert alice.do(visit(SERVER)) == HOST
    with hive.host() as host:
        assert host.ask("restart", name="alice")["ok"]
    alice.wait()
    assert (alice.do(visit(SERVER)), alice.address) == (HOST, before)


@pytest.mark.usefixtures("outside")
def test_every_machine_has_an_address_of_its_own(make_hive: MakeHive) -> None:
    hive = make_hive()
    hive.open()
    assert spawned(hive, "alice").address != spawned(hive, "bob").address


def test_without_networkd_a_start_is_refused_and_the_hosts_network_offered(make_hive: MakeHive) -> None:
    hive = make_hive()
    hive.open()
    said = refusal(hive)
    assert "the network 'nat' needs systemd-networkd, which is inactive; start it ('systemctl enable --now" in said
    assert said.endswith("or set 'nspawn.network' to \"host\" (operation 2)")


def test_without_nft_a_start_is_refused_and_its_package_named(make_hive: MakeHive, tmp_path: Path) -> None:
    hive = make_hive()
    for directory in ("/usr/sbin", "/usr/bin"):
        for tool in Path(directory).iterdir():
            if tool.name != "nft" and not (tmp_path / tool.name).is_symlink():
                (tmp_path / tool.name).symlink_to(tool)
    with networkd():
        hive.open(command=COMMAND, environment={**os.environ, "PATH": str(tmp_path)})
        assert "the network 'nat' needs 'nft'; install the package 'nftables'" in refusal(hive)


def test_without_our_file_networkd_configures_another_bridge_and_the_start_says_who_puts_ours_there(
    make_hive: MakeHive,
) -> None:
    hive = make_hive()
    with networkd():
        for file in NETWORKS.glob("70-hyperhive*"):
            file.unlink()
        call("networkctl", "reload")
        hive.open()
        said = refusal(hive)
        assert "has not given the bridge vz-hive the address 10.215.0.1/16; /etc/systemd/network/70-hyper" in said
        assert "'hivectl install' puts there" in said
        with put_files():
            call("networkctl", "reload")
            with hive.host() as host:
                assert host.ask("spawn", name="bob")["ok"]


@pytest.mark.usefixtures("outside")
def test_machines_stay_apart_on_the_bridge_when_a_firewall_has_flushed_every_rule(make_hive: MakeHive) -> None:
    hive = make_hive()
    hive.open(command=COMMAND)
    alice, bob = spawned(hive, "alice"), spawned(hive, "bob-of-the-very-long-name")
    for puppet in (alice, bob):
        puppet.wait()
    call("nft", "flush", "ruleset")
    bob.do(f"server = socket.create_server(('', {PORT}))\nif os.fork() == 0:\n    signal.pause()")
    introduce(alice, bob)
    introduce(bob, alice)
    assert alice.fails(f"socket.create_connection(({bob.address!r}, {PORT}), 1)") == "TimeoutError"


@pytest.mark.usefixtures("outside")
def test_a_subnet_that_networkd_does_not_know_of_is_said(make_hive: MakeHive) -> None:
    hive = make_hive(subnet="10.99.0.0/16")
    hive.open()
    assert "has not given the bridge vz-hive the address 10.99.0.1/16" in refusal(hive)


@pytest.mark.usefixtures("outside")
def test_a_subnet_of_ones_own_is_had_as_the_page_says(make_hive: MakeHive) -> None:
    (shown,) = blocks("docs/nspawn-backend.md", "sh")
    try:
        call("sh", "-ec", "\n".join(shown.lines))
        hive = make_hive(subnet="10.99.0.0/16")
        hive.open()
        assert spawned(hive).address.startswith("10.99.")
        assert "10.215." not in call("ip", "-4", "address", "show", "vz-hive")
    finally:
        (NETWORKS / "60-hyperhive.network").unlink()


@pytest.mark.usefixtures("outside")
def test_a_machine_asks_the_hosts_name_servers(make_hive: MakeHive) -> None:
    hive = make_hive()
    hive.open(command=COMMAND)
    alice = spawned(hive)
    alice.wait()
    assert alice.do("result = open('/etc/resolv.conf').read()") == Path("/etc/resolv.conf").read_text()


@pytest.mark.usefixtures("outside")
def test_where_the_host_has_a_stub_resolver_a_machine_asks_the_servers_behind_it(make_hive: MakeHive) -> None:
    UPLINKS.parent.mkdir()
    UPLINKS.write_text("nameserver 192.0.2.53\n")
    try:
        hive = make_hive()
        hive.open(command=COMMAND)
        alice = spawned(hive)
        alice.wait()
        assert alice.do("result = open('/etc/resolv.conf').read()") == "nameserver 192.0.2.53\n"
    finally:
        shutil.rmtree(UPLINKS.parent)


def test_with_no_network_there_is_only_the_loopback(make_hive: MakeHive) -> None:
    hive = make_hive(network="none")
    hive.open(command=COMMAND)
    alice = spawned(hive)
    alice.wait()
    assert alice.do("result = [name for _, name in socket.if_nameindex()]") == ["lo"]


def test_with_the_hosts_network_its_abstract_sockets_are_in_reach_and_the_bus_is_not(make_hive: MakeHive) -> None:
    hive = make_hive(network="host", user="root")
    hive.open(command=COMMAND)
    alice = spawned(hive)
    alice.wait()
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("\0of the host's")
        server.listen()
        alice.do("socket.socket(socket.AF_UNIX).connect('\\0of the host\\'s')")
    for path in ("/run/dbus/system_bus_socket", "/run/systemd/private"):
        assert alice.fails(f"socket.socket(socket.AF_UNIX).connect({path!r})") == "ENOENT"


def test_with_the_hosts_network_a_machine_is_on_it_and_cant_change_it(make_hive: MakeHive) -> None:
    hive = make_hive(network="host", user="root")
    with internet():
        hive.open(command=COMMAND)
        alice = spawned(hive)
        alice.wait()
        assert alice.do(visit(SERVER)) == HOST
        assert alice.do("result = open('/etc/resolv.conf').read()") == Path("/etc/resolv.conf").read_text()
        assert alice.fails("open('/proc/sys/net/ipv4/ip_forward', 'w').write('1')") in {"EACCES", "EROFS", "EPERM"}
        changed = alice.do(
            "import subprocess\n"
            "tried = subprocess.run(['ip', 'link', 'set', 'uplink', 'down'], capture_output=True, text=True)\n"
            "result = tried.stderr.strip()"
        )
        assert changed == "RTNETLINK answers: Operation not permitted"


def test_a_daemon_killed_before_a_machine_had_its_address_leaves_it_to_the_next(
    make_hive: MakeHive, outside: None
) -> None:  # fmt: skip
    hive = make_hive()
    mark = hive.base / "killed"
    script = f'test -e {mark} || {{ touch {mark}; kill -9 $PPID; }}; exec /usr/bin/nsenter "$@"'
    first = hive.open(command=COMMAND, environment=shim(hive.base, "nsenter", script))
    first.process.wait(20)  # killed by the first machine that is given an address, which is the manager's
    hive.open(command=COMMAND)
    with hive.host() as host:
        assert host.ask("start", name="manager")["ok"]
    inside = f"/proc/{hive.leader('manager')}/ns/net"
    assert "default via 10.215.0.1" in call("nsenter", f"--net={inside}", "ip", "route")
